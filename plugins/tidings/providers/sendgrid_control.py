"""What SendGrid knows beside the events: whom it will not mail, and from whom it takes mail."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tidings.errors import TidingsError
from tidings.model.delivery import EventKind, ProviderEvent, Suppressed, impersonal
from tidings.providers.sendgrid_api import Api

PAGE = 500


class _List(NamedTuple):
    path: str
    kind: EventKind
    permanent: bool = False
    paged: bool = True


# A block is a refusal for reputation or content, or a host that was not there: not the address's fault (R36).
LISTS: Mapping[str, _List] = {
    "bounces": _List("suppression/bounces", "bounced", permanent=True),
    "blocks": _List("suppression/blocks", "bounced"),
    "invalid_emails": _List("suppression/invalid_emails", "bounced", permanent=True),
    "spam_reports": _List("suppression/spam_reports", "complained"),
    "unsubscribes": _List("suppression/unsubscribes", "unsubscribed"),
    "group_unsubscribes": _List("asm/suppressions", "unsubscribed", paged=False),
}


async def suppressions(api: Api, since: datetime | None = None) -> list[Suppressed]:
    """SendGrid's six lists, each in its order; TidingsError where one of them cannot be read.

    The same entry has the same `event_id` each time, so that reading it twice is as reading it once.
    """
    found = []
    for name, wanted in LISTS.items():
        async for entry in _entries(api, wanted, since):
            try:
                suppressed = _suppressed(name, wanted, entry)
            except (KeyError, TypeError, ValueError, OSError, OverflowError) as error:
                raise TidingsError(f"SendGrid's list {name} cannot be read", "try again later") from error
            if since is None or suppressed.event.occurred_at >= since:
                found.append(suppressed)
    return found


async def check_sender(api: Api, address: str) -> None:
    """TidingsError unless SendGrid takes mail from that address: its domain is authenticated, or itself verified."""
    domain = address.rpartition("@")[2].lower()
    offset = 0
    while domains := await api.ask("get", "whitelabel/domains", query={"limit": PAGE, "offset": offset}):
        if any(one.get("valid") and str(one.get("domain")).lower() == domain for one in domains):
            return
        offset += len(domains)
        if len(domains) < PAGE:
            break
    senders = (await api.ask("get", "verified_senders", query={"limit": PAGE}))["results"]
    own = [one for one in senders if str(one.get("from_email")).lower() == address.lower()]
    if any(one.get("verified") for one in own):
        return
    lacks = "has not been verified yet" if own else "is neither a verified sender nor of an authenticated domain"
    raise TidingsError(f"SendGrid refuses mail from {address}: it {lacks}", "authenticate the domain at SendGrid")


async def _entries(api: Api, wanted: _List, since: datetime | None) -> AsyncIterator[Mapping[str, Any]]:
    offset = 0
    while True:
        query = {"limit": PAGE, "offset": offset} if wanted.paged else {}
        if since is not None and wanted.paged:
            query["start_time"] = int(since.timestamp())
        page = await api.ask("get", wanted.path, query=query)
        for entry in page:
            yield entry
        offset += len(page)
        if not wanted.paged or len(page) < PAGE:
            return


def _suppressed(name: str, wanted: _List, entry: Mapping[str, Any]) -> Suppressed:
    address = str(entry["email"])
    created = int(entry["created"] if "created" in entry else entry["created_at"])
    group = entry.get("group_id", "")
    mark = hashlib.sha256(f"{name}\0{group}\0{created}\0{address.lower()}".encode()).hexdigest()[:32]
    status = str(entry.get("status", ""))
    event = ProviderEvent(
        provider="sendgrid",
        event_id=f"{name}:{mark}",
        kind=wanted.kind,
        occurred_at=datetime.fromtimestamp(created, UTC),
        permanent=wanted.permanent and not status.startswith("4"),
        detail=impersonal(f"{name} {status} {entry.get('reason', '')}", address),
    )
    return Suppressed(address, event)
