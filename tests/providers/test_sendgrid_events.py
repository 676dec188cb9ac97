import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tidings.errors import TidingsError
from tidings.providers.sendgrid_events import SIGNATURE, TIMESTAMP, read_events, verify
from tidings.testing.sendgrid_emulator import SendGridEmulator

DATA = Path(__file__).parent.parent / "data/sendgrid"
VECTORS = json.loads((DATA / "event_webhook_signature_vectors.json").read_text())["cases"]
ANYMAIL = json.loads((DATA / "event_webhook_samples_anymail.json").read_text())["cases"]
STRONGGRID = json.loads((DATA / "event_webhook_samples_stronggrid.json").read_text())["events"]
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def call(vector: dict[str, Any]) -> tuple[list[str], dict[str, str], bytes, datetime]:
    """What `verify` takes, at the time of the vector."""
    stamp = vector["timestamp"]
    headers = {
        "X-Twilio-Email-Event-Webhook-Signature": vector["signature"],
        "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
    }
    now = datetime.fromtimestamp(int(stamp), UTC) if stamp.isdecimal() else NOW
    return [vector["public_key"]], headers, vector["payload"].encode(), now


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vectors(vector: dict[str, Any]) -> None:
    """SendGrid's own vectors and a real batch verify over their raw bytes; everything else fails (R40)."""
    if vector["valid"]:
        verify(*call(vector))
    else:
        with pytest.raises(TidingsError, match=r"signature is not SendGrid's|last ten minutes"):
            verify(*call(vector))


def test_one_bit_is_enough() -> None:
    """Any one bit changed in body, timestamp or signature fails, also the spare bits of base64 (R40)."""
    keys, headers, body, now = call(VECTORS[0])
    low = {name.lower(): value for name, value in headers.items()}
    changed = 0
    for where, octets in (
        ("body", body),
        (TIMESTAMP, low[TIMESTAMP].encode()),
        (SIGNATURE, low[SIGNATURE].encode()),
    ):
        for position in range(len(octets) * 8):
            flipped = bytearray(octets)
            flipped[position // 8] ^= 1 << position % 8
            text = flipped.decode("latin-1")
            parts = (headers, bytes(flipped)) if where == "body" else ({**low, where: text}, body)
            with pytest.raises(TidingsError):
                verify(keys, *parts, now)
            changed += 1
    assert changed == 8 * (len(body) + len(low[TIMESTAMP]) + len(low[SIGNATURE]))


@pytest.mark.parametrize(("minutes", "taken"), [(-11, False), (-9, True), (0, True), (9, True), (11, False)])
def test_only_fresh_calls(minutes: int, taken: bool) -> None:
    """A call replayed later, or dated ahead, is refused though its signature is true (R40)."""
    with_clock = NOW + timedelta(minutes=minutes)
    emulator = SendGridEmulator()
    headers, body = emulator.signed([], NOW)
    if taken:
        verify([emulator.public_key], headers, body, with_clock)
    else:
        with pytest.raises(TidingsError, match="last ten minutes"):
            verify([emulator.public_key], headers, body, with_clock)


def test_either_of_two_keys() -> None:
    """While a key is replaced, calls signed with the old and with the new one are taken (R42)."""
    old, new, strange = SendGridEmulator(), SendGridEmulator(), SendGridEmulator()
    keys = [new.public_key, old.public_key]
    for signer in (old, new):
        verify(keys, *signer.signed([], NOW), NOW)
    with pytest.raises(TidingsError, match="not SendGrid's"):
        verify(keys, *strange.signed([], NOW), NOW)


def test_headers_in_any_case() -> None:
    """Web servers pass header names in lower case."""
    emulator = SendGridEmulator()
    headers, body = emulator.signed([], NOW)
    verify([emulator.public_key], {name.lower(): value for name, value in headers.items()}, body, NOW)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ([], "is not set"),
        (["not base64"], "not a public key"),
        (["QUJD"], "not a public key"),
        ([base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()], "not an ECDSA key"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_a_mistake_of_ours(keys: list[str], problem: str) -> None:
    """The settings decide key and algorithm; a wrong one is named and accepts nothing (R42)."""
    with pytest.raises(TidingsError, match=problem):
        verify(keys, *SendGridEmulator().signed([], NOW), NOW)


def test_kinds() -> None:
    """Every kind of event of the samples becomes the fact it is."""
    found = {name: read_events(json.dumps([event]).encode()) for name, event in STRONGGRID.items()}
    assert {
        "PROCESSED_JSON": ["accepted"],
        "BOUNCED_JSON": ["bounced"],
        "DEFERRED_JSON": ["deferred"],
        "DROPPED_JSON": ["bounced"],
        "BLOCKED_JSON": ["bounced"],
        "DELIVERED_JSON": ["delivered"],
        "CLICKED_JSON": ["clicked"],
        "OPENED_JSON": ["opened"],
        "SPAMREPORT_JSON": ["complained"],
        "UNSUBSCRIBE_JSON": ["unsubscribed"],
        "GROUPUNSUBSCRIBE_JSON": ["unsubscribed"],
        "GROUPRESUBSCRIBE_JSON": [],
    } == {name: [event.kind for event in events] for name, events in found.items()}
    assert {name: STRONGGRID[name]["sg_event_id"] for name, events in found.items() if events} == {
        name: events[0].event_id for name, events in found.items() if events
    }


@pytest.mark.parametrize(
    ("entry", "permanent"),
    [
        ({"event": "bounce", "type": "bounce", "status": "5.1.1"}, True),
        ({"event": "bounce", "status": "5.0.0"}, True),
        ({"event": "bounce", "type": "bounce", "status": "4.2.2", "reason": "mailbox full"}, False),
        ({"event": "bounce", "type": "blocked", "status": "5.7.1", "reason": "421 poor reputation"}, False),
        ({"event": "dropped", "reason": "Bounced Address"}, True),
        ({"event": "dropped", "reason": "Spam Content"}, False),
        ({"event": "deferred", "response": "450 try later"}, False),
    ],
)
def test_only_the_address_s_own_fault_is_permanent(entry: dict[str, str], permanent: bool) -> None:
    """A block for our reputation, for the content or for now gives no address up (R36)."""
    [event] = read_events(json.dumps([entry | {"sg_event_id": "1", "timestamp": 1_700_000_000}]).encode())
    assert permanent == event.permanent


def test_another_library_s_samples() -> None:
    """django-anymail's samples are read whole, with their times and without the addresses they quote."""
    for case in ANYMAIL:
        events = read_events(json.dumps(case["events"]).encode())
        assert len(case["events"]) == len(events)
        for sample, event in zip(case["events"], events, strict=True):
            assert (sample["sg_event_id"], sample["timestamp"]) == (
                event.event_id,
                event.occurred_at.timestamp(),
            )
            assert sample["email"] not in event.detail


def test_a_real_batch() -> None:
    """SendGrid's test batch of eleven events is read in its order."""
    batch = next(vector for vector in VECTORS if vector["name"].startswith("stronggrid_11"))
    sent = json.loads(batch["payload"])
    events = read_events(batch["payload"].encode())
    assert 11 == len(sent)
    assert [entry["sg_event_id"] for entry in sent if entry["event"] != "group_resubscribe"] == [
        event.event_id for event in events
    ]


def test_what_an_event_carries() -> None:
    """The send_key is the custom argument, machine opens are marked, a bounce says why (R08, R37)."""
    common = {"email": "Lan@example.com", "timestamp": 1_700_000_000, "send_key": "ab" * 16}
    reason = "550 5.1.1 <lan@example.com> does not exist"
    sent = [
        {**common, "event": "open", "sg_event_id": "1", "sg_machine_open": True},
        {
            **common,
            "event": "bounce",
            "sg_event_id": "2",
            "type": "bounce",
            "status": "5.1.1",
            "reason": reason,
        },
        {"event": "delivered", "sg_event_id": "3", "timestamp": 1_700_000_000, "email": "x@example.com"},
    ]
    opened, bounced, other = read_events(json.dumps(sent).encode())
    assert (True, "ab" * 16) == (opened.machine, opened.send_key)
    assert "bounce bounce 5.1.1 550 5.1.1 <(recipient)> does not exist" == bounced.detail
    assert (None, False, "") == (other.send_key, other.machine, other.detail)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"1",
        b'"delivered"',
        b'{"event":"delivered"}',
        b"[1]",
        b"[{}]",
        b'[{"event":["delivered"]}]',
        b'[{"event":"delivered"}]',
        b'[{"event":"delivered","sg_event_id":"x"}]',
        b'[{"event":"delivered","sg_event_id":7,"timestamp":1}]',
        b'[{"event":"delivered","sg_event_id":"x","timestamp":"soon"}]',
        b'[{"event":"delivered","sg_event_id":"x","timestamp":1e300}]',
        b'[{"event":"delivered","sg_event_id":"x","timestamp":NaN}]',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_malformed_bodies(body: bytes) -> None:
    """What is no list of events is one clear error, whatever it is (R45)."""
    with pytest.raises(TidingsError, match="not a list of SendGrid events"):
        read_events(body)
