"""What is asked of a provider beside sending: whom it will not write to, and from whom it takes messages."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

from tidings.delivery.route import make_provider, real_providers
from tidings.errors import TidingsError
from tidings.model.delivery import Suppressed
from tidings.model.seams import Provider
from tidings.project import Project

T = TypeVar("T")
log = logging.getLogger(__name__)


class Lists(NamedTuple):
    """By channel what its providers said, and the providers that could not be asked."""

    suppressed: dict[str, list[Suppressed]]
    unread: list[str]


def suppression_lists(project: Project) -> Lists:
    """The lists of every real provider that has some; one that fails is logged, and asked again the next time."""
    found = Lists({}, [])
    for name in real_providers(project):
        kind = project.plugins.providers[name]
        if kind.suppressions is Provider.suppressions:
            continue
        try:
            listed = asyncio.run(_ask(project, name, lambda provider: provider.suppressions()))
        except Exception:
            log.exception("the suppression lists of %s were not read", name)
            found.unread.append(name)
            continue
        for channel, how in project.settings.channels.items():
            if name in how.providers:
                found.suppressed.setdefault(channel, []).extend(listed)
    return found


def refused_senders(project: Project) -> list[TidingsError]:
    """What providers say against the sender's address, one error each; also that one could not be asked."""
    found = []
    address = project.settings.sender.email
    for name in real_providers(project):
        if project.plugins.providers[name].check_sender is Provider.check_sender:
            continue
        try:
            asyncio.run(_ask(project, name, lambda provider: provider.check_sender(address)))
        except TidingsError as error:
            found.append(error)
        except Exception as error:  # noqa: BLE001 - a plugin's own; what it says may hold a secret
            reason = f"{name} cannot be asked about the sender: {type(error).__name__}"
            found.append(TidingsError(reason, "try again later"))
    return found


async def _ask(project: Project, name: str, question: Callable[[Provider], Awaitable[T]]) -> T:
    provider = make_provider(project, name)
    try:
        return await question(provider)
    finally:
        await provider.close()
