"""Settings: config/tidings.yaml < environment overlay < config/local.yaml < TIDINGS_* variables."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from tidings.errors import ProjectErrors, TidingsError, Where
from tidings.model.mistakes import Mistake, Place, in_plain_words
from tidings.model.scalars import (
    Address,
    Clock,
    Colour,
    Currency,
    Duration,
    Language,
    Name,
    SecureUrl,
    Share,
    Whole,
    Zone,
)
from tidings.yamlfile import YamlDocument, read_yaml

MARKER = Path("config/tidings.yaml")
LOCAL = Path("config/local.yaml")
PRODUCTION = "production"

Values = dict[str, Any]


class Part(BaseModel):
    """A group of settings; unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Brand(Part):
    """Who speaks: shown in every message; the postal address is required by law (R21)."""

    name: str
    address: str
    website: SecureUrl
    support_email: Address
    colour: Colour = "#0b5d4e"


class Sender(Part):
    """The From of e-mails."""

    email: Address
    name: str
    reply_to: Address | None = None


class Warehouse(Part):
    """Where the company's own tables are: a folder of Parquet or CSV files, or an Ibis URL."""

    folder: Path = Path("data")
    url: str | None = None
    tables: dict[str, str] = {}
    freshness: dict[str, Duration] = {}


class Ledger(Part):
    """Where the ledger is; a relative SQLite path counts from the workspace."""

    url: str = "sqlite:///.tidings/ledger.db"


class Channel(Part):
    """A channel and the providers that carry it, the first one first."""

    providers: Annotated[list[Name], Field(min_length=1)]


class Cap(Part):
    """At most `max` messages a person on the channel `within` a time."""

    max: Annotated[Whole, Field(gt=0)]
    within: Duration


class QuietHours(Part):
    """No message leaves between these times of the recipient's own day."""

    start: Clock
    end: Clock


class Mining(Part):
    """Association rules for cross-sell; supports and confidences as shares of baskets."""

    level: Literal["category", "product"] = "category"
    min_support: Share = 0.01
    min_confidence: Share = 0.1
    max_length: Annotated[Whole, Field(ge=2, le=4)] = 2
    window: Duration = timedelta(days=180)
    every: Duration = timedelta(days=7)
    replenish: Duration = timedelta(days=14)


class ClockSettings(Part):
    """`at` is the default of `--at`; development only."""

    at: AwareDatetime | None = None


class Settings(BaseSettings):
    """Everything in config/tidings.yaml."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="TIDINGS_", env_nested_delimiter="__", env_ignore_empty=True
    )

    workspace: Name
    base_currency: Currency = "USD"
    timezone: Zone = "UTC"
    locale: Language = "en"
    salt: Annotated[str, Field(min_length=16)]
    brand: Brand
    sender: Sender
    public_url: SecureUrl
    warehouse: Warehouse = Warehouse()
    ledger: Ledger = Ledger()
    channels: dict[Name, Channel]
    providers: dict[Name, dict[str, Any]] = {}
    caps: dict[Name, Cap] = {}
    quiet_hours: QuietHours | None = None
    control_group: Share = 0.0
    mining: Mining = Mining()
    allow: list[str] = []
    clock: ClockSettings = ClockSettings()
    environments: dict[Name, dict[str, Any]] = {}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic-settings'
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Variables of the environment win over files; no .env file is read."""
        return env_settings, init_settings


def environment() -> str:
    """The name in TIDINGS_ENV; unset means dev (R64)."""
    return os.environ.get("TIDINGS_ENV") or "dev"


@dataclass(frozen=True)
class Layers:
    """The files that settings come from, the lowest first, each with the place its keys stand at."""

    documents: tuple[tuple[YamlDocument, Place], ...]

    def where(self, place: Place, *, key: bool = False) -> Where:
        """Who sets the value at `place`: a variable of the environment, else the highest file that has it."""
        for end in range(len(place), 0, -1):
            variable = "TIDINGS_" + "__".join(str(part) for part in place[:end]).upper()
            if variable in os.environ:
                return Where(variable)
        for document, below in reversed(self.documents):
            if (*below, *place) in document.values:
                return document.where((*below, *place), key=key)
        return self.documents[0][0].where(place, key=key)


@dataclass(frozen=True)
class Reading:
    """The settings of one environment, None where they cannot be used."""

    name: str
    settings: Settings | None
    layers: Layers


def read_settings(root: Path) -> tuple[list[Reading], list[TidingsError]]:
    """The settings of every environment in the file, the present one last, and all mistakes, each once.

    TidingsError where a file itself cannot be read.
    """
    base = read_yaml(root / MARKER, root)
    values = _mapping(base)
    overlays = values.get("environments")
    overlays = overlays if isinstance(overlays, dict) else {}
    local = read_yaml(root / LOCAL, root) if (root / LOCAL).exists() else None
    present = environment()
    readings: list[Reading] = []
    errors: dict[str, TidingsError] = {}
    for name in sorted({*overlays, present}, key=lambda name: (name == present, name)):
        merged, documents = values, [(base, Place())]
        if isinstance(overlays.get(name), dict):
            merged, documents = merge(merged, overlays[name]), [*documents, (base, ("environments", name))]
        if local and name == present:
            merged, documents = merge(merged, _mapping(local)), [*documents, (local, Place())]
        layers = Layers(tuple(documents))
        settings, found = _validated(merged, layers, name)
        readings.append(Reading(name, settings, layers))
        errors |= {str(error): error for error in found}
    return readings, list(errors.values())


def load_settings(root: Path) -> Settings:
    """The settings of the workspace at `root`; ProjectErrors with places where they are wrong."""
    readings, errors = read_settings(root)
    if errors or readings[-1].settings is None:
        raise ProjectErrors(errors)
    return readings[-1].settings


def _validated(values: Values, layers: Layers, name: str) -> tuple[Settings | None, list[TidingsError]]:
    # pydantic-settings takes keys with a leading underscore as instructions (`_env_file`), not as settings.
    private = [Mistake((key,), f"unknown key {key!r}", "remove it", True) for key in values if key[:1] == "_"]
    try:
        settings = Settings(**{key: value for key, value in values.items() if key[:1] != "_"})
        found = private
    except ValidationError as error:
        settings, found = None, private + in_plain_words(error, Settings)
    except SettingsError as error:
        name = (re.findall(r'field "(\w+)"', str(error)) or ["*"])[0]
        where = Where(f"TIDINGS_{name.upper()}")
        return None, [TidingsError("the environment variable is not JSON", 'write one such as ["a", "b"]', where)]
    if settings and name == environment() == PRODUCTION and settings.clock.at is not None:
        fix = "remove it: production runs on the wall clock"
        found = [*found, Mistake(("clock", "at"), "clock.at is set in production", fix)]
    return settings, [TidingsError(each.reason, each.fix, layers.where(each.place, key=each.at_key)) for each in found]


def merge(below: Values, above: Values) -> Values:
    """`above` laid over `below`, mapping by mapping; neither is changed."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _mapping(document: YamlDocument) -> Values:
    if not isinstance(document.data, dict):
        raise TidingsError("not a mapping", "write `key: value` lines", Where(document.file, 1, 1))
    return document.data
