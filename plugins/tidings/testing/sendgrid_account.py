"""What SendGrid keeps beside the messages: batches and their cancelling, suppression lists, senders and domains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tidings.testing.sendgrid_rules import Mistake

Answer = tuple[int, Any]
LISTS = (
    "/v3/suppression/bounces",
    "/v3/suppression/blocks",
    "/v3/suppression/invalid_emails",
    "/v3/suppression/spam_reports",
    "/v3/suppression/unsubscribes",
    "/v3/asm/suppressions",
)
BATCH, CANCELS = "/v3/mail/batch", "/v3/user/scheduled_sends"
DOMAINS, SENDERS = "/v3/whitelabel/domains", "/v3/verified_senders"
MAX_CANCELS = 10
CANCEL_AHEAD, LONGEST_AHEAD = 10 * 60, 72 * 60 * 60  # seconds
PAGE = 500


class Account:
    """One account; tests may write into its lists and read them at any time.

    `batches` maps an id to the time of what was sent with it, `cancelled` to `cancel` or `pause`; `lists` maps a path
    of `LISTS` to its entries; `senders` and `domains` are what the account may send from.
    """

    def __init__(self) -> None:
        self.batches: dict[str, int | None] = {}
        self.cancelled: dict[str, str] = {}
        self.lists: dict[str, list[dict[str, Any]]] = {path: [] for path in LISTS}
        self.senders: list[dict[str, Any]] = []
        self.domains: list[dict[str, Any]] = []

    def knows(self, path: str) -> bool:
        """Whether there is something under that path, beside mail/send."""
        return path in (*LISTS, BATCH, CANCELS, DOMAINS, SENDERS) or path.startswith(f"{CANCELS}/")

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Any, now: float) -> Answer:
        """Status and JSON of a call; ValueError, TypeError or KeyError where it cannot be read."""
        if method == "GET":
            return 200, self._read(path, query, now)
        if (method, path) == ("POST", BATCH):
            identity = f"batch{len(self.batches):04}"
            self.batches[identity] = None
            return 201, {"batch_id": identity}
        if (method, path) == ("POST", CANCELS):
            return self._cancel(str(body["batch_id"]), str(body["status"]), now)
        if method == "DELETE" and path.startswith(f"{CANCELS}/"):
            self.cancelled.pop(path.rpartition("/")[2], None)
            return 204, None
        return 405, errors([Mistake("method not allowed")])

    def scheduled(self, body: Mapping[str, Any], now: float) -> list[Mistake]:
        """What is wrong with the time and the batch of a mail/send request."""
        found = []
        if body.get("send_at", now) - now > LONGEST_AHEAD:
            found.append(Mistake("Scheduling more than 72 hours in advance is forbidden.", "send_at"))
        if "batch_id" in body and body["batch_id"] not in self.batches:
            found.append(Mistake("The batch id is invalid.", "batch_id"))
        return found

    def take(self, body: Mapping[str, Any]) -> None:
        """Remember when a batch is due."""
        if "batch_id" in body:
            self.batches[body["batch_id"]] = body.get("send_at")

    def _cancel(self, identity: str, status: str, now: float) -> Answer:
        due = self.batches.get(identity)
        if identity not in self.batches or status not in ("cancel", "pause"):
            said = "The batch id is invalid."
        elif due is not None and due - now < CANCEL_AHEAD:
            said = "It is too late to cancel the batch."
        elif identity in self.cancelled:
            said = "A status update already exists for this batch id."
        elif len(list(self._open(now))) >= MAX_CANCELS:
            said = "The maximum number of cancelled batches is reached."
        else:
            self.cancelled[identity] = status
            return 201, {"batch_id": identity, "status": status}
        return 400, errors([Mistake(said)])

    def _open(self, now: float) -> Iterator[dict[str, str]]:
        for identity, status in self.cancelled.items():
            due = self.batches.get(identity)
            if due is None or due > now:
                yield {"batch_id": identity, "status": status}

    def _read(self, path: str, query: Mapping[str, str], now: float) -> Any:
        if path == CANCELS or path.startswith(f"{CANCELS}/"):
            wanted = path.removeprefix(CANCELS).removeprefix("/")
            return [one for one in self._open(now) if wanted in ("", one["batch_id"])]
        if path == SENDERS:
            return {"results": self.senders[: int(query.get("limit", PAGE))]}
        entries = self.domains if path == DOMAINS else self.lists.get(path, [])
        since = int(query.get("start_time", 0))
        found = [one for one in entries if one.get("created", since) >= since]
        if path == LISTS[-1]:
            return found
        start = int(query.get("offset", 0))
        return found[start : start + min(int(query.get("limit", PAGE)), PAGE)]


def errors(found: list[Mistake]) -> dict[str, Any]:
    """SendGrid's form of mistakes."""
    return {"errors": [one.entry() for one in found]}
