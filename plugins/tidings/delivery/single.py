"""One message outside a plan: a report to its owner, held to the same promise as any other."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from tidings.delivery.claim import LEASE_SECONDS
from tidings.delivery.dispatch import STATES
from tidings.delivery.route import check_time, make_provider, provider_of
from tidings.errors import TidingsError
from tidings.ledger import reports
from tidings.ledger.database import Ledger, database_time
from tidings.ledger.head import advance, refuse_old
from tidings.ledger.journal import Journal
from tidings.model.delivery import Outgoing
from tidings.model.seams import Provider
from tidings.project import Project

log = logging.getLogger(__name__)


def send_report(
    project: Project, ledger: Ledger, message: Outgoing, subject: tuple[str, str], now: datetime, folder: str
) -> str:
    """Claim, commit, send, settle; the state afterwards. `subject` is campaign and occasion.

    A report that this reader was sent already keeps its state, and nothing leaves. `later`: the provider takes
    nothing now, and the same report may be sent again.
    """
    campaign, occasion = subject
    provider = make_provider(project, provider_of(project, "email", message.to))
    check_time(provider, now)
    journal = Journal.of(project)
    refuse_old(ledger, journal)
    row = {"campaign": campaign, "occasion": occasion, "recipient": message.to, "send_key": message.send_key}
    try:
        with ledger.write() as connection:
            reports.claim(connection, row | {"folder": folder}, now, database_time(connection) + LEASE_SECONDS)
            number = advance(connection, journal)
    except IntegrityError:
        with ledger.read() as connection:
            held = reports.find(connection, campaign, occasion, message.to)
        return held.state if held else "in_doubt"
    try:
        journal.append("report", [row | {"folder": folder}], now, number)
    except TidingsError:
        with ledger.write() as connection:
            reports.release(connection, message.send_key)  # nothing has left
        raise
    status = asyncio.run(_hand_over(provider, message))
    with ledger.write() as connection:
        if status == "later":
            # An explicit refusal to be tried again: nothing left, and the next run may send it.
            reports.release(connection, message.send_key)
        else:
            reports.settle(connection, message.send_key, STATES[status])
    return STATES.get(status, status)


async def _hand_over(provider: Provider, message: Outgoing) -> str:
    """The provider's status; `unknown` where it gave none."""
    try:
        outcomes = await provider.send([message])
        return next((str(one.status) for one in outcomes if one.send_key == message.send_key), "unknown")
    except Exception:
        log.exception("the provider failed in the middle of a report: in doubt, not sent again")
        return "unknown"
    finally:
        await provider.close()
