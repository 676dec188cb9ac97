"""Whom SendGrid will not mail, and from whom it takes mail, as its emulator and its published document have it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.providers.test_sendgrid import KEY, SendGridBench, judged
from tests.published import Published
from tidings.errors import TidingsError
from tidings.providers.sendgrid import SendGrid
from tidings.providers.sendgrid_control import LISTS, PAGE
from tidings.testing.sendgrid_account import DOMAINS, SENDERS
from tidings.testing.sendgrid_emulator import SendGridFault

DAY = 86_400
BOUNCES, BLOCKS = "/v3/suppression/bounces", "/v3/suppression/blocks"


@pytest.fixture
def bench(tmp_path: Path, published: Published | None) -> Iterator[SendGridBench]:
    """The provider beside its emulator."""
    with judged(tmp_path, published) as made:
        yield made


def run(bench: SendGridBench, ask: Callable[[SendGrid], Awaitable[Any]]) -> Any:
    """What an instance of its own answers."""

    async def scenario() -> Any:
        provider = bench.provider()
        try:
            return await ask(provider)
        finally:
            await provider.close()

    return asyncio.run(scenario())


def fill(bench: SendGridBench) -> None:
    """One of each kind, and of bounces two."""
    bench.emulator.account.lists |= {
        BOUNCES: [
            {
                "created": DAY,
                "email": "gone@example.com",
                "reason": "550 <gone@example.com> gone",
                "status": "5.1.1",
            },
            {"created": 2 * DAY, "email": "full@example.com", "reason": "452 full", "status": "4.2.2"},
        ],
        BLOCKS: [{"created": 3 * DAY, "email": "blocked@example.com", "reason": "554 spam", "status": "5.7.1"}],
        "/v3/suppression/invalid_emails": [{"created": 4 * DAY, "email": "x@example.invalid", "reason": "unknown"}],
        "/v3/suppression/spam_reports": [{"created": 5 * DAY, "email": "cross@example.com", "ip": "192.0.2.1"}],
        "/v3/suppression/unsubscribes": [{"created": 6 * DAY, "email": "off@example.com"}],
        "/v3/asm/suppressions": [
            {"email": "Some@example.com", "group_id": group, "group_name": "News", "created_at": 7 * DAY}
            for group in (1, 2)
        ],
    }


def test_six_lists(bench: SendGridBench) -> None:
    """Each entry is an event; only a bounce that is the address's own fault, or no address, is permanent (R36)."""
    fill(bench)
    found = run(bench, SendGrid.suppressions)
    assert [
        ("gone@example.com", "bounced", True, 1),
        ("full@example.com", "bounced", False, 2),
        ("blocked@example.com", "bounced", False, 3),
        ("x@example.invalid", "bounced", True, 4),
        ("cross@example.com", "complained", False, 5),
        ("off@example.com", "unsubscribed", False, 6),
        ("Some@example.com", "unsubscribed", False, 7),
        ("Some@example.com", "unsubscribed", False, 7),
    ] == [(one.address, one.event.kind, one.event.permanent, one.event.occurred_at.timestamp() / DAY) for one in found]
    assert "bounces 5.1.1 550 <(recipient)> gone" == found[0].event.detail


def test_an_entry_is_one_event(bench: SendGridBench) -> None:
    """Reading twice gives the same ids, different entries have different ones, and none holds an address (R13, R43)."""
    fill(bench)
    first, second = (run(bench, SendGrid.suppressions) for _ in range(2))
    assert first == second
    assert len(first) == len({one.event.event_id for one in first})
    assert not [one for one in first if one.address.lower() in repr(one.event).lower()]


def test_since(bench: SendGridBench) -> None:
    """Only what came at that time or after, also of the list that SendGrid cannot cut."""
    fill(bench)
    since = datetime.fromtimestamp(6 * DAY, UTC)
    found = run(bench, lambda provider: provider.suppressions(since))
    assert ["off@example.com", "Some@example.com", "Some@example.com"] == [one.address for one in found]
    since = datetime.fromtimestamp(7 * DAY + 1, UTC)
    assert [] == run(bench, lambda provider: provider.suppressions(since))


@pytest.mark.parametrize("count", [PAGE - 1, PAGE, PAGE + 1, 2 * PAGE])
def test_pages(bench: SendGridBench, count: int) -> None:
    """SendGrid gives 500 entries at once, and all are read."""
    bench.emulator.account.lists[BLOCKS] = [
        {"created": DAY, "email": f"c{number}@example.com", "reason": "", "status": "4.0.0"} for number in range(count)
    ]
    assert count == len({one.address for one in run(bench, SendGrid.suppressions)})


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("fault", [SendGridFault.ERROR, SendGridFault.FORBIDDEN, SendGridFault.GARBAGE_AFTER])
def test_a_list_that_cannot_be_read(bench: SendGridBench, name: str, fault: SendGridFault) -> None:
    """Is an error, never a short list: a suppression that is missed is mail to somebody who said no."""
    fill(bench)
    bench.emulator.faults[f"/v3/{LISTS[name].path}"] = fault
    with pytest.raises(TidingsError, match="SendGrid") as caught:
        run(bench, SendGrid.suppressions)
    assert KEY not in str(caught.value)


def test_an_entry_that_cannot_be_read(tmp_path: Path) -> None:
    """Neither is it left out in silence."""
    with judged(tmp_path, None) as bench:
        bench.emulator.account.lists[BOUNCES] = [{"created": DAY, "reason": "", "status": "5.1.1"}]
        with pytest.raises(TidingsError, match="list bounces cannot be read"):
            run(bench, SendGrid.suppressions)


def test_a_sender(bench: SendGridBench) -> None:
    """Its domain is authenticated, or the address itself is verified; anything else is said with what to do."""
    account = bench.emulator.account

    def check(address: str) -> None:
        run(bench, lambda provider: provider.check_sender(address))

    with pytest.raises(TidingsError, match="neither a verified sender nor of an authenticated domain"):
        check("news@shop.example")
    account.senders.append({"from_email": "news@shop.example", "verified": False})
    account.domains.append({"domain": "shop.example", "valid": False})
    with pytest.raises(TidingsError, match="has not been verified yet"):
        check("News@Shop.example")
    account.senders[0]["verified"] = True
    check("News@Shop.example")
    with pytest.raises(TidingsError, match="neither"):
        check("sales@shop.example")
    account.domains.append({"domain": "Shop.example", "valid": True})
    check("sales@shop.example")
    with pytest.raises(TidingsError, match="neither"):
        check("sales@mail.shop.example")


@pytest.mark.parametrize("path", [DOMAINS, SENDERS])
def test_a_sender_that_cannot_be_checked(bench: SendGridBench, path: str) -> None:
    """Is not a sender that is fine."""
    bench.emulator.faults[path] = SendGridFault.ERROR
    with pytest.raises(TidingsError, match="SendGrid answered 500"):
        run(bench, lambda provider: provider.check_sender("news@shop.example"))
