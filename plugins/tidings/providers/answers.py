"""What a provider says of a message, in words that may be stored and shown."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Literal

from tidings.model.delivery import Outcome, Outgoing

Status = Literal["accepted", "refused", "later", "unknown"]

# A wrong password, key or certificate is mended by a person; asking again every minute helps nobody.
MISCONFIGURED = timedelta(minutes=15)
MAX_DETAIL = 300


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


def impersonal(text: str, address: str) -> str:
    """`text` on one line, without the address, valid Unicode and no longer than a detail may be."""
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    if address and address.lower() in line.lower():
        line = re.sub(re.escape(address), "(recipient)", line, flags=re.IGNORECASE)
    return line[:MAX_DETAIL]
