"""What a provider says of a message, in words that may be stored and shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from tidings.model.delivery import Outcome, Outgoing, impersonal

Status = Literal["accepted", "refused", "later", "unknown"]

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
# A wrong password, key or certificate is mended by a person; asking again every minute helps nobody.
MISCONFIGURED = timedelta(minutes=15)


def answer(
    outgoing: Outgoing,
    status: Status,
    detail: str = "",
    *,
    provider_id: str | None = None,
    retry_after: timedelta | None = None,
) -> Outcome:
    """The outcome of one message; its address is taken out of `detail`, which servers like to quote (R53)."""
    return Outcome(
        send_key=outgoing.send_key,
        status=status,
        detail=impersonal(detail, outgoing.to),
        provider_id=provider_id,
        retry_after=retry_after,
    )
