"""SendGrid's signed event webhook: is it theirs, and what does it say."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tidings.errors import TidingsError
from tidings.model.delivery import EventKind, ProviderEvent, impersonal

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
MAX_AGE = timedelta(minutes=10)

# "dropped": SendGrid took the message and then did not send it, often for an earlier bounce; nobody gets it.
KINDS: Mapping[str, EventKind] = {
    "processed": "accepted",
    "delivered": "delivered",
    "bounce": "bounced",
    "dropped": "bounced",
    "deferred": "deferred",
    "spamreport": "complained",
    "open": "opened",
    "click": "clicked",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
}  # Of the reasons to drop a message, those that say that the address takes none.
LASTING = frozenset({"Bounced Address", "Invalid"})


def verify(public_keys: Sequence[str], headers: Mapping[str, str], raw_body: bytes, now: datetime) -> None:
    """TidingsError unless one of our keys signed exactly these bytes within ten minutes of `now` (R40, R42).

    Keys are base64 DER as SendGrid shows them; the algorithm is ECDSA with SHA-256, whatever the request says.
    """
    if not public_keys:
        raise TidingsError("SendGrid's webhook_public_key is not set", "copy it from SendGrid's event webhook page")
    fields = {name.lower(): value for name, value in headers.items()}
    signature, timestamp = fields.get(SIGNATURE, ""), fields.get(TIMESTAMP, "")
    if not any(_signed(key, signature, timestamp, raw_body) for key in public_keys):
        raise TidingsError("the webhook's signature is not SendGrid's", "check webhook_public_key")
    if not timestamp.isdecimal() or abs(now.timestamp() - int(timestamp)) > MAX_AGE.total_seconds():
        raise TidingsError("the webhook's signature is not of the last ten minutes", "check the clock")


def read_events(raw_body: bytes) -> list[ProviderEvent]:
    """The events of one call, in its order; kinds that say nothing of a message are left out.

    TidingsError where the body is not a list of SendGrid's events.
    """
    try:
        entries = json.loads(raw_body)
        return [_event(entry, KINDS[entry["event"]]) for entry in entries if entry["event"] in KINDS]
    except (ValueError, TypeError, KeyError, OSError, OverflowError, RecursionError) as error:
        raise TidingsError("the webhook's body is not a list of SendGrid events", "send it as it came") from error


def _signed(public_key: str, signature: str, timestamp: str, raw_body: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(base64.b64decode(public_key, validate=True))
    except ValueError as error:
        raise TidingsError("webhook_public_key is not a public key", "copy it from SendGrid again") from error
    if not isinstance(key, EllipticCurvePublicKey):
        raise TidingsError("webhook_public_key is not an ECDSA key", "copy it from SendGrid again")
    try:
        octets = base64.b64decode(signature, validate=True)
        # Base64 has spare bits at its end; only one spelling of a signature is the signature.
        if base64.b64encode(octets).decode() != signature:
            return False
        key.verify(octets, timestamp.encode() + raw_body, ECDSA(SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _event(entry: Mapping[str, Any], kind: EventKind) -> ProviderEvent:
    words = (
        entry.get("event"),
        entry.get("type"),
        entry.get("status"),
        entry.get("reason") or entry.get("response"),
    )
    said = " ".join(str(word) for word in words if word) if kind in ("bounced", "deferred") else ""
    send_key = entry.get("send_key")
    return ProviderEvent(
        provider="sendgrid",
        event_id=entry["sg_event_id"],
        kind=kind,
        occurred_at=datetime.fromtimestamp(int(entry["timestamp"]), UTC),
        send_key=send_key if isinstance(send_key, str) else None,
        machine=bool(entry.get("sg_machine_open", False)),
        permanent=_permanent(entry),
        detail=impersonal(said, str(entry.get("email", ""))),
    )


def _permanent(entry: Mapping[str, Any]) -> bool:
    """Whether the address is at fault: not where the host blocks us, or asks for another try (status 4.x.x)."""
    if entry["event"] == "dropped":
        return entry.get("reason") in LASTING
    blocked = entry.get("type", "bounce") != "bounce" or str(entry.get("status", "")).startswith("4")
    return entry["event"] == "bounce" and not blocked
