"""Handing a batch to a provider: whatever it answers, raises or leaves out, each message gets one outcome (R06)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta

from tidings.errors import TidingsError
from tidings.model.delivery import Outcome, Outgoing, Schedule, impersonal
from tidings.model.seams import Provider

log = logging.getLogger(__name__)


async def hand_over(provider: Provider, batch: Sequence[Outgoing]) -> dict[str, Outcome]:
    """send_key → outcome; what the provider did not classify is unknown."""
    return await _outcomes(batch, lambda: provider.send(batch))


async def hand_over_cancellable(
    provider: Provider,
    batch: Sequence[Outgoing],
    ahead: timedelta,
    clock: Callable[[], datetime],
    note: Callable[[Schedule], None],
) -> dict[str, Outcome]:
    """The same for messages that leave so much later, by a provider that `cancels` (R10).

    `note` keeps the schedule where a crash leaves it, before the first byte. Where some are in doubt, all are cancelled
    and, once that is confirmed, to be sent again, under an id of their own.
    """
    now = clock()
    try:
        schedule = await provider.schedule(now + ahead, now)
    except Exception as error:  # noqa: BLE001 - nothing has left; a plugin's mistake is told and tried again (R55)
        return {one.send_key: outcome(one.send_key, "later", said(error)) for one in batch}
    note(schedule)
    found = await _outcomes(batch, lambda: provider.send_scheduled(batch, schedule))
    if all(one.status != "unknown" for one in found.values()):
        return found
    try:
        confirmed = await provider.cancel(schedule, clock())
    except Exception:
        log.exception("%s did not say whether it discards what is in doubt", provider.name)
        return found
    if not confirmed:
        return found
    doubt = next(one.detail for one in found.values() if one.status == "unknown")
    taken = [one.send_key for one in found.values() if one.status in ("accepted", "unknown")]
    return found | {key: outcome(key, "later", f"cancelled, for doubt: {doubt}") for key in taken}


def outcome(send_key: str, status: str, detail: str) -> Outcome:
    """What we say ourselves of a message."""
    return Outcome.model_validate({"send_key": send_key, "status": status, "detail": detail})


def said(error: Exception) -> str:
    """An exception in one line."""
    return str(error) if isinstance(error, TidingsError) else f"{type(error).__name__}: {error}"


async def _outcomes(batch: Sequence[Outgoing], ask: Callable[[], Awaitable[Sequence[Outcome]]]) -> dict[str, Outcome]:
    found = {one.send_key: outcome(one.send_key, "unknown", "the provider gave no outcome") for one in batch}
    try:
        answers = _one_each(await ask())
    except Exception as error:  # noqa: BLE001 - whatever happened, the message may have left
        answers = {key: outcome(key, "unknown", said(error)) for key in found}
    return found | {one.send_key: _masked(answers[one.send_key], one) for one in batch if one.send_key in answers}


def _one_each(answers: Iterable[Outcome]) -> dict[str, Outcome]:
    """One outcome a message; where a provider says one thing and another, nobody knows (R06)."""
    found: dict[str, Outcome] = {}
    for answer in answers:
        before = found.setdefault(answer.send_key, answer)
        if before.status != answer.status:
            words = f"the provider said {before.status} and {answer.status}"
            found[answer.send_key] = outcome(answer.send_key, "unknown", words)
    return found


def _masked(answer: Outcome, message: Outgoing) -> Outcome:
    """The outcome without the recipient's address, which servers and exceptions like to quote (R53)."""
    return answer.model_copy(update={"detail": impersonal(answer.detail, message.to)})
