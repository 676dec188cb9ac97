"""Four ways to break the promise (R15). The judge that finds the product innocent has to convict each of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import tidings.delivery.claim
import tidings.delivery.dispatch
import tidings.ledger.contacts
import tidings.ledger.messages
import tidings.ledger.persons

# What is wrapped from outside has no type that would fit.
claim_module: Any = tidings.delivery.claim
dispatch: Any = tidings.delivery.dispatch
contacts: Any = tidings.ledger.contacts
messages: Any = tidings.ledger.messages
persons: Any = tidings.ledger.persons


def no_commit_before_the_first_byte() -> None:
    """The claim's transaction stays open while the batch is sent, and commits when it is settled."""
    settle = dispatch.Dispatcher._settle
    held = ExitStack()

    def claim(this: Any, addresses: Any, scope: Any) -> Any:
        connection = held.enter_context(this.ledger.write())
        size = this.project.settings.delivery.batch
        claimed = dispatch.claim(connection, this.project, addresses, this.clock.now, scope, size, this.run)
        if not claimed.sending:
            held.close()
        return claimed

    def commit_and_settle(this: Any, *args: Any) -> None:
        held.close()
        settle(this, *args)

    dispatch.Dispatcher._claim = claim
    dispatch.Dispatcher._settle = commit_and_settle


def recovery_plans_again() -> None:
    """Messages of a dead worker go back to planned, as a queue with a visibility time-out does."""
    mark = messages._mark

    def marked(connection: Any, here: Any, state: str, reason: str) -> Any:
        return mark(connection, here, "planned" if state == "in_doubt" else state, reason)

    messages._mark = marked


def suppression_only_when_planned() -> None:
    """The claim trusts the plan about suppressed addresses."""
    lock = contacts.lock

    def forgetful(connection: Any, keys: Any) -> Any:
        found = lock(connection, keys)
        return {key: SimpleNamespace(**(dict(row._mapping) | {"suppressed_at": None})) for key, row in found.items()}

    contacts.lock = forgetful


def count_before_lock() -> None:
    """What each person was sent is counted first, and only then are the persons locked."""
    claim, lock, count = dispatch.claim, persons.lock, claim_module._sent
    now: dict[str, Any] = {}

    def claim_that_counts_first(connection: Any, project: Any, *rest: Any) -> Any:
        now.update(project=project, now=rest[1])
        return claim(connection, project, *rest)

    def lock_late(connection: Any, keys: Any) -> Any:
        now["counted"] = count(connection, now["project"], list(keys), now["now"])
        return lock(connection, keys)

    dispatch.claim = claim_that_counts_first
    persons.lock = lock_late
    claim_module._sent = lambda *_: now["counted"]


MUTANTS: dict[str, Callable[[], None]] = {
    mutant.__name__: mutant
    for mutant in (
        no_commit_before_the_first_byte,
        recovery_plans_again,
        suppression_only_when_planned,
        count_before_lock,
    )
}
