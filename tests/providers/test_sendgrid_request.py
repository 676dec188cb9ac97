"""Which messages share a request, and what one refusal means for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.providers.test_sendgrid import PICTURE, SendGridBench, SharingBench, judged
from tests.published import Published
from tidings.model.delivery import Outcome
from tidings.providers.sendgrid_request import MAX_SUBSTITUTIONS, requests
from tidings.testing.sendgrid_emulator import STATUS, SendGridFault


@pytest.fixture
def bench(tmp_path: Path, published: Published | None) -> Iterator[SendGridBench]:
    """Messages that can share a request."""
    with judged(tmp_path, published, SharingBench) as made:
        yield made


def sizes(bench: SendGridBench) -> list[int]:
    """Personalizations of each request that the emulator has read, the smallest first."""
    return sorted(len(body["personalizations"]) for body in bench.emulator.requests)


def statuses(outcomes: list[Outcome]) -> list[str]:
    """Of each outcome."""
    return [outcome.status for outcome in outcomes]


def test_one_request_for_many(bench: SendGridBench) -> None:
    """Each personalization has its address, headers, send_key and values; the content is the skeleton's (R13, R21)."""
    link = {"List-Unsubscribe": "<https://shop.example/u/{}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    batch = [
        bench.message(name, subject=f"For {name}", headers={key: value.format(name) for key, value in link.items()})
        for name in ("an", "binh", "chi")
    ]
    outcomes = bench.send(batch)
    [body] = bench.emulator.requests
    assert "-7ea0c0dex0-" == body["subject"]
    assert ["-7ea0c0dex1-", "-7ea0c0dex2-"] == [part["value"] for part in body["content"]]
    assert [
        {
            "to": [{"email": one.to}],
            "headers": one.headers,
            "custom_args": {"send_key": one.send_key},
            "substitutions": one.holes,
        }
        for one in batch
    ] == body["personalizations"]
    assert [(one.send_key, "accepted") for one in batch] == [(said.send_key, said.status) for said in outcomes]
    assert 1 == len({said.provider_id for said in outcomes})
    assert ["For an", "For binh", "For chi"] == [one["body"]["subject"] for one in bench.emulator.accepted]


def test_a_thousand_is_one_request(bench: SendGridBench) -> None:
    """SendGrid takes 1,000 personalizations, not 1,001."""
    bench.send([bench.message(f"p{number}") for number in range(1001)])
    assert [1, 1000] == sizes(bench)
    assert 1001 == len({one["send_key"] for one in bench.emulator.accepted})


def test_an_address_once_a_request(bench: SendGridBench) -> None:
    """Whoever gets two messages gets them by two requests, however the address is written."""
    batch = [bench.message(name) for name in ("lan", "an", "LAN", "lan")]
    assert ["accepted"] * 4 == statuses(bench.send(batch))
    assert [1, 1, 2] == sizes(bench)


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": "other@example.org"},
        {"sender_name": "Other"},
        {"reply_to": None},
        {"attachments": (PICTURE,)},
        {"html": None},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_a_request_has_once_is_shared(bench: SendGridBench, changes: dict[str, Any]) -> None:
    """Sender, reply address, files and skeleton stand once in a request, so messages that differ there do not mix."""
    bench.send([bench.message("an"), bench.message("binh", **changes), bench.message("chi")])
    assert [1, 2] == sizes(bench)
    for one in bench.emulator.accepted:
        assert one["send_key"]


def test_large_holes_go_alone(bench: SendGridBench) -> None:
    """10,000 bytes of tags and values fit, one more goes joined, in a request of its own."""
    tags = 3 * len("-7ea0c0dex0-")
    fits, over = (MAX_SUBSTITUTIONS - tags - len("s") - len("h") - more for more in (0, -1))
    batch = [bench.message(f"p{size}", subject="s", html="h", text="x" * size) for size in (fits, over, 1)]
    assert ["accepted"] * 3 == statuses(bench.send(batch))
    assert [1, 2] == sizes(bench)
    [alone] = [body for body in bench.emulator.requests if len(body["personalizations"]) == 1]
    assert "substitutions" not in alone["personalizations"][0]
    assert "x" * over == alone["content"][0]["value"]


def test_holes_that_make_another_message(bench: SendGridBench) -> None:
    """What is sent is the message the plan made: where the holes would give another, it goes joined."""
    odd = bench.message("odd").model_copy(update={"text": "something else"})
    assert [[odd.send_key], 2] == [
        [one.send_key for one in requests([odd, bench.message("an"), bench.message("binh")])[0]],
        len(requests([odd, bench.message("an"), bench.message("binh")])),
    ]
    bench.send([odd, bench.message("an")])
    assert "something else" in [one["body"]["content"][0]["value"] for one in bench.emulator.accepted]


def test_whom_a_refusal_names(bench: SendGridBench) -> None:
    """Nothing of a refused request was sent: who is named is refused, the others go again in the same call."""
    batch = [bench.message(name) for name in ("an", "bad", "chi", "worse", "em")]
    bench.emulator.faults |= dict.fromkeys(("bad@example.com", "worse@example.com"), SendGridFault.REFUSE)
    outcomes = bench.send(batch)
    assert ["accepted", "refused", "accepted", "refused", "accepted"] == statuses(outcomes)
    assert "400 Does not contain a valid address." == outcomes[1].detail
    assert [3, 5] == sizes(bench)
    assert ["an@example.com", "chi@example.com", "em@example.com"] == [one["to"][0] for one in bench.emulator.accepted]


def test_a_refusal_that_names_nobody(bench: SendGridBench) -> None:
    """Each then goes alone, joined, so that one message's fault is no other's."""
    bench.emulator.faults["big@example.com"] = SendGridFault.TOO_LARGE
    outcomes = bench.send([bench.message(name) for name in ("an", "big", "chi")])
    assert ["accepted", "refused", "accepted"] == statuses(outcomes)
    assert [1, 1, 1, 3] == sizes(bench)
    assert not [body for body in bench.emulator.requests[1:] if "substitutions" in body["personalizations"][0]]


def test_refused_twice(bench: SendGridBench) -> None:
    """Where the others are refused too, each goes alone and the call ends."""
    bench.emulator.faults |= {"bad@example.com": SendGridFault.REFUSE, "big@example.com": SendGridFault.TOO_LARGE}
    outcomes = bench.send([bench.message(name) for name in ("an", "bad", "big", "chi")])
    assert ["accepted", "refused", "refused", "accepted"] == statuses(outcomes)
    assert [1, 1, 1, 3, 4] == sizes(bench)


def test_a_refusal_that_names_one_at_a_time(bench: SendGridBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others go together once more and not again and again: then each goes alone."""
    all_of_them = bench.emulator.refused
    monkeypatch.setattr(bench.emulator, "refused", lambda body: all_of_them(body)[:1])
    bench.emulator.faults |= dict.fromkeys(
        ("an@example.com", "binh@example.com", "chi@example.com"), SendGridFault.REFUSE
    )
    outcomes = bench.send([bench.message(name) for name in ("an", "binh", "chi", "dung", "em")])
    assert ["refused"] * 3 + ["accepted"] * 2 == statuses(outcomes)
    assert [1, 1, 1, 1, 4, 5] == sizes(bench)


@pytest.mark.parametrize(
    ("fault", "status"),
    [(SendGridFault.RATE_LIMIT, "later"), (SendGridFault.RESET_AFTER, "unknown"), (SendGridFault.ERROR, "unknown")],
)
def test_one_fate_for_a_request(bench: SendGridBench, fault: SendGridFault, status: str) -> None:
    """Who shares a request shares its doubt and its wait (R06, R07); nobody is tried again here."""
    bench.emulator.faults["binh@example.com"] = fault
    assert [status] * 3 == statuses(bench.send([bench.message(name) for name in ("an", "binh", "chi")]))
    assert [3] == sizes(bench)


def test_no_outcome_quotes_a_neighbour(bench: SendGridBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What SendGrid says of a whole request may name any of its addresses; it is kept without them (R53)."""
    said = "Sorry: <binh@example.com>, and an@example.com too"
    monkeypatch.setitem(STATUS, SendGridFault.ERROR, (500, said))
    bench.emulator.faults["an@example.com"] = SendGridFault.ERROR
    outcomes = bench.send([bench.message("an"), bench.message("binh")])
    assert {"500 Sorry: <(recipient)>, and (recipient) too"} == {outcome.detail for outcome in outcomes}
