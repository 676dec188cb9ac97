"""What SendGrid's answers mean for the messages of a request."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from tidings.model.delivery import Outcome, Outgoing
from tidings.providers.answers import MISCONFIGURED, Status, answer
from tidings.providers.sendgrid_api import StoppedError, UnsentError

ACCEPTED, TOO_MANY = 202, 429
# These very messages are wrong, and would be next time.
REFUSED = frozenset({400, 413})
# Nothing is wrong with the message: the key, a permission, the sender's verification or the host is. Nothing was
# sent either, and `refused` would lose a whole audience to a rotated key, so it is tried later.
SETTINGS = frozenset({401, 403, 404, 405})
# Of those, no other message of the batch can fare better: a 403 may concern one sender only.
WHOLE_ACCOUNT = frozenset({401, 404, 405})
LONGEST_WAIT = timedelta(hours=1)

_PLACE = re.compile(r"personalizations\.(\d+)(?:\.|$)")
_ADDRESS = re.compile(r"[^\s<>()\[\]\"',:;]+@[^\s<>()\[\]\"',:;]+")


def outcomes(group: Sequence[Outgoing], reply: Any) -> list[Outcome]:
    """One answer is everybody's: SendGrid takes a request as a whole or not at all."""
    code = int(reply.status_code)
    if code == ACCEPTED:
        identity = reply.headers.get("X-Message-Id")
        return [answer(outgoing, "accepted", provider_id=identity) for outgoing in group]
    said = f"{code} {'; '.join(words for _, words in _errors(reply.body))}"
    if code == TOO_MANY:
        return everybody(group, "later", said, _wait(reply.headers))
    if code in REFUSED:
        return everybody(group, "refused", said)
    if code in SETTINGS:
        return everybody(group, "later", said, MISCONFIGURED)
    return everybody(group, "unknown", said)


def everybody(group: Sequence[Outgoing], status: Status, said: str, wait: timedelta | None = None) -> list[Outcome]:
    """The same outcome for each; of what was said to several, no address is kept: it may be another's (R53)."""
    if len(group) > 1:
        said = _ADDRESS.sub("(recipient)", said)
    return [answer(outgoing, status, said, retry_after=wait) for outgoing in group]


def named(reply: Any, size: int) -> dict[int, str]:
    """Place in the request → why, of each personalization that a refusal names; empty where it also names others.

    SendGrid says `personalizations.3.to.0.email` in the `field` of an error.
    """
    found: dict[int, list[str]] = {}
    for place, words in _errors(reply.body):
        match = _PLACE.match(place)
        if match is None or int(match[1]) >= size:
            return {}
        found.setdefault(int(match[1]), []).append(words)
    return {place: f"{reply.status_code} {'; '.join(words)}" for place, words in found.items()}


def without_reply(group: Sequence[Outgoing], error: Exception) -> list[Outcome]:
    """`later` where the request cannot have left, and with the others' reason where one of them stopped it."""
    if isinstance(error, StoppedError):
        return everybody(group, "later", str(error), MISCONFIGURED)
    if isinstance(error, UnsentError):
        return everybody(group, "later", f"no connection to SendGrid: {error}")
    return everybody(group, "unknown", f"no answer from SendGrid: {type(error).__name__}: {error}")


def _errors(body: bytes) -> list[tuple[str, str]]:
    """Field and message of each error; one without field where the body is not SendGrid's form of errors."""
    try:
        return [(str(one.get("field") or ""), str(one["message"])) for one in json.loads(body)["errors"]]
    except (ValueError, TypeError, KeyError, AttributeError):
        return [("", body.decode("utf-8", "replace"))]


def _wait(headers: Any) -> timedelta | None:
    """How long SendGrid asks to wait: Retry-After in seconds or as a date, else until X-RateLimit-Reset."""
    after, reset = headers.get("Retry-After", ""), headers.get("X-RateLimit-Reset", "")
    try:
        if after:
            seconds = int(after) if after.isdecimal() else parsedate_to_datetime(after).timestamp() - time.time()
        else:
            seconds = int(reset) - time.time()
        return min(max(timedelta(seconds=seconds), timedelta()), LONGEST_WAIT)
    except (ValueError, OverflowError):
        return None
