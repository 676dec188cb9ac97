"""Whom a provider will not write to is suppressed here too, asked of SendGrid's emulator (R39)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from tests.databases import keep
from tests.stage import DAY, NOW, Stage, key, person
from tidings.ledger import consents
from tidings.ledger.contacts import save_contacts
from tidings.ledger.journal import Journal
from tidings.ledger.tables import contacts as table
from tidings.testing.sendgrid_emulator import SendGridEmulator, SendGridFault
from tidings.verbs.housekeeping import housekeeping
from tidings.verbs.recover import recover
from tidings.warehouse.addresses import address_key

LISTED = {"gone": 1, "full": 2, "cross": 3, "off": 4, "fine": 5}
BOUNCES, SPAM, LEFT = "/v3/suppression/bounces", "/v3/suppression/spam_reports", "/v3/suppression/unsubscribes"


@pytest.fixture
def sendgrid(monkeypatch: pytest.MonkeyPatch) -> Iterator[SendGridEmulator]:
    """An account that will not mail three of five: one is gone, one complained, one has left; a fourth is full."""
    monkeypatch.setenv("TIDINGS_SECRET_SENDGRID_API_KEY", "SG.emulator")
    at = int((NOW - DAY).timestamp())
    with SendGridEmulator() as emulator:
        emulator.account.lists |= {
            BOUNCES: [
                {"created": at, "email": "Gone@example.com", "reason": "550 gone", "status": "5.1.1"},
                {"created": at, "email": "full@example.com", "reason": "452 full", "status": "4.2.2"},
                {"created": at, "email": "nobody@example.com", "reason": "550 gone", "status": "5.1.1"},
            ],
            SPAM: [{"created": at, "email": "cross@example.com", "ip": "192.0.2.1"}],
            LEFT: [{"created": at, "email": "off@example.com"}],
        }
        yield emulator


@pytest.fixture
def shop(either: Stage, sendgrid: SendGridEmulator) -> Stage:
    """Five persons who can be reached through SendGrid."""
    settings = {"host": sendgrid.url, "api_key": {"secret": "sendgrid_api_key"}, "timeout": 2}
    channels = {"email": {"providers": ["sendgrid"]}}
    either.settings(allow=["*"], channels=channels, providers={"sendgrid": settings})
    either.people([person(number, person_key=key(number)) for number in LISTED.values()])
    with either.ledger.write() as connection:
        save_contacts(connection, [_contact(either, name) for name in LISTED])
    return either


def _contact(shop: Stage, name: str) -> dict[str, str]:
    address = address_key(shop.project.settings.salt, "email", f"{name}@example.com")
    return {"channel": "email", "address_key": address, "person_key": key(LISTED[name])}


def _causes(shop: Stage) -> dict[str, str]:
    """name → why nothing goes there."""
    names = {_contact(shop, name)["address_key"]: name for name in LISTED}
    with shop.ledger.read() as connection:
        query = select(table.c.address_key, table.c.cause).where(table.c.suppressed_at.isnot(None))
        return {names[row.address_key]: row.cause for row in connection.execute(query)}


def _agree(shop: Stage) -> set[str]:
    with shop.ledger.read() as connection:
        granted = {one for one, channel in consents.granted(connection, "marketing", NOW) if channel == "email"}
    return {name for name, number in LISTED.items() if key(number) in granted}


STOPPED = {"gone": "hard_bounce", "cross": "complaint", "off": "unsubscribed"}


def test_lists_are_taken_over_once(shop: Stage, sendgrid: SendGridEmulator) -> None:
    """With their cause; who complained or left has withdrawn, a full mailbox and a stranger change nothing (R36)."""
    assert 3 == housekeeping(shop.project, NOW).suppressed
    assert STOPPED == _causes(shop)
    assert {"gone", "full", "fine"} == _agree(shop)
    numbers = Journal.of(shop.project).tip()
    done = housekeeping(shop.project, NOW + DAY)
    assert (0, [], numbers) == (done.suppressed, done.unread, Journal.of(shop.project).tip())
    sendgrid.account.lists[SPAM].append({"created": int(NOW.timestamp()), "email": "fine@example.com", "ip": ""})
    assert 1 == housekeeping(shop.project, NOW + DAY).suppressed


def test_a_stranger_who_comes_is_suppressed_by_the_next_list(shop: Stage) -> None:
    """The list has the address still."""
    housekeeping(shop.project, NOW)
    with shop.ledger.write() as connection:
        address = address_key(shop.project.settings.salt, "email", "nobody@example.com")
        save_contacts(connection, [{"channel": "email", "address_key": address, "person_key": key(5)}])
    assert 1 == housekeeping(shop.project, NOW).suppressed


def test_a_restored_ledger_learns_of_them_again(shop: Stage) -> None:
    """By its journal, where the provider is not asked (R20a)."""  # R20a
    put_back = keep(shop.ledger)
    housekeeping(shop.project, NOW)
    put_back()
    assert {} == _causes(shop)
    assert 3 == recover(shop.project, NOW).stops
    assert STOPPED == _causes(shop)
    assert {"gone", "full", "fine"} == _agree(shop)


def test_a_list_that_cannot_be_read_keeps_nothing_back(shop: Stage, sendgrid: SendGridEmulator) -> None:
    """The provider is named, and the rest of the housekeeping is done."""
    sendgrid.faults[SPAM] = SendGridFault.ERROR
    done = housekeeping(shop.project, NOW)
    assert (0, ["sendgrid"]) == (done.suppressed, done.unread)


def test_nobody_is_asked_where_no_address_may_go(shop: Stage, sendgrid: SendGridEmulator) -> None:
    """Outside production without an allow list, no provider is real (R62)."""
    shop.settings(allow=[])
    assert 0 == housekeeping(shop.project, NOW).suppressed
    assert {} == _causes(shop)
