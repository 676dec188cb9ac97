"""Settings against the plugins: channels, their providers, the providers' own settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from tidings.errors import TidingsError, did_you_mean
from tidings.model.mistakes import Mistake, Place, in_plain_words
from tidings.plugins import Plugins, with_secrets
from tidings.settings import Reading

# Stands for a secret while its provider's settings are checked: long enough for any of them, and nobody's.
PLACEHOLDER = "x" * 32


def settings_mistakes(reading: Reading, plugins: Plugins) -> list[TidingsError]:
    """Unknown channels and providers, providers on channels they do not carry, settings that do not fit."""
    found = [*_channels(reading, plugins), *_batch(reading, plugins), *_providers(reading, plugins)]
    sound = (each for each in found if not reading.doubts(each.place))
    return [TidingsError(each.reason, each.fix, reading.layers.where(each.place, key=each.at_key)) for each in sound]


def _channels(reading: Reading, plugins: Plugins) -> Iterator[Mistake]:
    known, settings = plugins.providers, reading.settings
    for channel, how in settings.channels.items():
        for index, name in enumerate(how.providers):
            place = ("channels", channel, "providers", index)
            if name not in known:
                yield Mistake(place, f"there is no provider {name!r}", did_you_mean(name, list(known)))
            elif known[name].channel not in (None, channel):
                fix = f"write it under the channel {known[name].channel!r}"
                yield Mistake(place, f"{name} carries {known[name].channel}, not {channel}", fix)
            elif name not in settings.providers and not reading.doubts(("providers", name)):
                for each in _unfit(name, {}, plugins):
                    yield Mistake(place, each.reason, f"add it under providers: {name}:")
    for channel in settings.caps:
        if reading.channels is not None and channel not in reading.channels:
            hint = did_you_mean(channel, list(reading.channels))
            yield Mistake(("caps", channel), f"there is no channel {channel!r}", hint, at_key=True)


def _batch(reading: Reading, plugins: Plugins) -> Iterator[Mistake]:
    """One that is set is as it is written; the usual one is split for a provider that takes less."""
    delivery = reading.settings.delivery
    used = {name for how in reading.settings.channels.values() for name in how.providers} & plugins.providers.keys()
    most, name = min(((plugins.providers[name].max_batch, name) for name in used), default=(delivery.batch, ""))
    if "batch" in delivery.model_fields_set and delivery.batch > most:
        yield Mistake(("delivery", "batch"), f"{name} takes {most} messages at once", f"write {most} or less")


def _providers(reading: Reading, plugins: Plugins) -> Iterator[Mistake]:
    for name, values in reading.settings.providers.items():
        if name in plugins.providers:
            sender = None if reading.doubts(("sender", "email")) else reading.settings.sender.email
            yield from _unfit(name, values, plugins, sender)
        else:
            hint = did_you_mean(name, list(plugins.providers))
            yield Mistake(("providers", name), f"there is no provider {name!r}", hint, at_key=True)


def _unfit(name: str, values: dict[str, Any], plugins: Plugins, sender: str | None = None) -> Iterator[Mistake]:
    """What does not fit the provider's Config, or the sender where one is given."""
    provider = plugins.providers[name]
    hidden: set[Place] = set()

    def stand_in(place: Place, _: str) -> str:
        hidden.add(place)
        return PLACEHOLDER

    try:
        config = provider.Config.model_validate(with_secrets(values, stand_in))
        found = list(provider.mistakes(config, sender)) if sender else []
    except ValidationError as error:
        found = in_plain_words(error, provider.Config)
    except Exception as error:  # noqa: BLE001 - a plugin's own validator; what it says may hold a setting's value
        reason = f"the provider {name!r} fails: {type(error).__name__}"
        yield Mistake(("providers", name), reason, "mend the plugin that registers it")
        return
    for each in found:
        if each.at_key or not any(each.place[: len(place)] == place for place in hidden):
            yield Mistake(("providers", name, *each.place), each.reason, each.fix, each.at_key)
