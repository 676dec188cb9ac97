"""Which provider gets a message. Outside production, a real one only for addresses on the allow list (R62)."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from pydantic import ValidationError

from tidings.errors import TidingsError, did_you_mean
from tidings.model.seams import Provider
from tidings.project import Project
from tidings.settings import PRODUCTION

OUTBOX = "outbox"


def allowed(project: Project, address: str) -> bool:
    """Whether a real provider may be given this address: always in production, else by the `allow` list."""
    if project.environment == PRODUCTION:
        return True
    return any(fnmatchcase(address.lower(), pattern.lower()) for pattern in project.settings.allow)


def provider_of(project: Project, channel: str, address: str) -> str:
    """The provider's name for one address, after every plugin has had its say."""
    name = project.settings.channels[channel].providers[0]
    real = project.plugins.providers[name].real
    return name if not real or allowed(project, address) else OUTBOX


def make_provider(project: Project, name: str) -> Provider:
    """An instance with its settings and secrets; TidingsError naming the provider where they do not fit."""
    known = project.plugins.providers
    if name not in known:
        raise TidingsError(f"there is no provider {name!r}", did_you_mean(name, list(known)))
    values = {key: _secret(project, value) for key, value in project.settings.providers.get(name, {}).items()}
    try:
        config = known[name].Config(**values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in ("providers", name, *first["loc"]))
        raise TidingsError(f"{place}: {first['msg']}", "mend config/tidings.yaml") from None
    return known[name](config, root=project.root)


def _secret(project: Project, value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"secret"}:
        return project.plugins.secret(str(value["secret"]))
    return value
