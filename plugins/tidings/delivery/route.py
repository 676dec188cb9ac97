"""Which provider gets a message. Outside production, a real one only for addresses on the allow list (R62)."""

from __future__ import annotations

from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from pydantic import ValidationError

from tidings.clock import is_typed
from tidings.errors import TidingsError, did_you_mean
from tidings.model.seams import Provider
from tidings.plugins import with_secrets
from tidings.project import Project
from tidings.settings import PRODUCTION

OUTBOX = "outbox"


def allowed(project: Project, address: str) -> bool:
    """Whether a real provider may be given this address: always in production, else by the `allow` list."""
    if project.environment == PRODUCTION:
        return True
    return any(fnmatchcase(address.lower(), pattern.lower()) for pattern in project.settings.allow)


def provider_of(project: Project, channel: str, address: str, refusals: int = 0) -> str:
    """The provider's name for one address, after every plugin has had its say.

    Each time one has said that it takes nothing now, it is the next one's turn, and in the end the first one's (R12).
    """
    providers = project.settings.channels[channel].providers
    name = providers[refusals % len(providers)]
    real = project.plugins.providers[name].real
    return name if not real or allowed(project, address) else OUTBOX


def ahead_of(project: Project, campaign: str, provider: str) -> timedelta:
    """How long before it leaves a message is handed over: nothing, but where it can be cancelled until then (R10)."""
    if project.campaigns[campaign].guarantee != "cancel_in_doubt":
        return timedelta()
    return project.plugins.providers[provider].cancels or timedelta()


def real_providers(project: Project) -> list[str]:
    """The real providers that somebody's address may go to in this environment."""
    reachable = project.environment == PRODUCTION or bool(project.settings.allow)
    channels = project.settings.channels.values() if reachable else ()
    names = {name for how in channels for name in how.providers}
    return sorted(name for name in names if project.plugins.providers[name].real)


def make_provider(project: Project, name: str) -> Provider:
    """An instance with its settings and secrets; TidingsError naming the provider where they do not fit."""
    known = project.plugins.providers
    if name not in known:
        raise TidingsError(f"there is no provider {name!r}", did_you_mean(name, list(known)))
    values = with_secrets(project.settings.providers.get(name, {}), lambda _, secret: project.plugins.secret(secret))
    try:
        config = known[name].Config(**values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in ("providers", name, *first["loc"]))
        raise TidingsError(f"{place}: {first['msg']}", "mend config/tidings.yaml") from None
    return known[name](config, root=project.root)


def check_time(provider: Provider, now: datetime) -> None:
    """TidingsError where messages of another time than the machine's would leave the machine.

    A typed time would send what is not due yet, and by day what must not be sent by night.
    """
    if provider.real and not provider.loopback and is_typed(now):
        reason = f"it is not {now.isoformat(timespec='minutes')}, and {provider.name} would send to real people"
        raise TidingsError(reason, "leave out --at and clock.at, or set the channel's provider to outbox")
