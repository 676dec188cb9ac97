"""Settings: config/tidings.yaml < environment overlay < config/local.yaml < TIDINGS_* variables."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, SettingsError

from tidings.clock import parse_at
from tidings.errors import ProjectErrors, TidingsError, Where
from tidings.model.insight import Ladder, Mining, Profit, Wallet
from tidings.model.mistakes import Mistake, Place, shown
from tidings.model.salvage import StandIns, salvage
from tidings.model.scalars import (
    Address,
    Clock,
    Colour,
    Currency,
    Day,
    Domain,
    Language,
    Name,
    Rate,
    SecureUrl,
    Share,
    Span,
    Whole,
    Zone,
)
from tidings.yamlfile import YamlDocument, empty_values, read_yaml

MARKER = Path("config/tidings.yaml")
LOCAL = Path("config/local.yaml")
PRODUCTION = "production"

Values = dict[str, Any]
Source = Literal[
    "customers", "orders", "order_lines", "products", "cases", "events", "consents", "subscriptions",
    "activity_costs", "fx",
]  # fmt: skip


def _instant(value: Any) -> datetime:
    """A time with an offset; pydantic would take a number for seconds since 1970."""
    if isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None:
            return parse_at(value)
    except (ValueError, TidingsError):
        pass
    raise ValueError(f"{shown(value)} is not a time with an offset; write one such as 2026-11-22T09:00+07:00")


def _ledger_url(value: Any) -> str:
    """The address of a database that the ledger can be kept in; a wrong one is not repeated: it may hold a password."""
    if not isinstance(value, str) or not re.match(r"(sqlite|postgres|postgresql(\+psycopg)?)://", value):
        fix = "write sqlite:///.tidings/ledger.db or postgresql://user@host/database"
        raise ValueError(f"the ledger is kept in SQLite or PostgreSQL, and this is an address of neither; {fix}")
    return value


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
    tables: dict[Source, str] = {}
    freshness: dict[Source, Span] = {}
    timeout: Span | None = None


class Ledger(Part):
    """Where the ledger is, and its journal; relative paths count from the workspace."""

    url: Annotated[str, BeforeValidator(_ledger_url)] = "sqlite:///.tidings/ledger.db"
    journal: Path = Path(".tidings/journal")


class Channel(Part):
    """A channel and the providers that carry it, the first one first."""

    providers: Annotated[list[Name], Field(min_length=1)]


class Cap(Part):
    """At most `max` messages a person on the channel `within` a time."""

    max: Annotated[Whole, Field(gt=0)]
    within: Span


class QuietHours(Part):
    """No message leaves between these times of the recipient's own day."""

    start: Clock
    end: Clock


class Delivery(Part):
    """How messages are handed over: `batch` are claimed at once, and so many one crash can leave in doubt (R14)."""

    batch: Annotated[Whole, Field(ge=1, le=10_000)] = 100


class Doubt(Part):
    """How long a message may be in doubt until its campaign's `guarantee` decides."""

    horizon: Span = timedelta(days=3)


class Retention(Part):
    """How long what is over is kept at hand; by default for ever. `tidings housekeeping` goes by it.

    `messages` move from the ledger to Parquet files, `snapshots` and files of the `journal` are removed.
    """

    messages: Span | None = None
    snapshots: Span | None = None
    journal: Span | None = None


class WarmUp(Part):
    """A new sender's ramp: so many messages on the first day, a share more each day, no limit after `until` a day."""

    start: Day
    first_day: Annotated[Whole, Field(gt=0)]
    growth: Annotated[Share, Field(gt=0)] = 0.5
    until: Annotated[Whole, Field(gt=0)]


class Pause(Part):
    """When a lane stops by itself: shares of what it lately sent, once that is `after` messages."""

    bounces: Share = 0.1
    complaints: Share = 0.003
    after: Annotated[Whole, Field(gt=0)] = 1000


class Lane(Part):
    """How one provider may be used. `domains` names groups of recipients' domains; all the rest is `other`.

    `rates` are by group, `any` for those that have none of their own; a group without one has no limit.
    """

    domains: dict[Name, list[Domain]] = {}
    rates: dict[Name, Rate] = {}
    warm_up: WarmUp | None = None
    pause: Pause = Pause()


USUAL_LANE = Lane()
"""That of a provider the settings say nothing of."""


class ClockSettings(Part):
    """`at` is the default of `--at`; development only."""

    at: Annotated[AwareDatetime, BeforeValidator(_instant)] | None = None


class Settings(BaseModel):
    """Everything in config/tidings.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
    lanes: dict[Name, Lane] = {}
    delivery: Delivery = Delivery()
    doubt: Doubt = Doubt()
    retention: Retention = Retention()
    control_group: Share = 0.0
    mining: Mining = Mining()
    ladder: Ladder = Ladder()
    profit: Profit = Profit()
    wallet: Wallet | None = None
    allow: list[str] = []
    clock: ClockSettings = ClockSettings()
    environments: dict[Name, dict[str, Any]] = {}


class Variables(Settings, BaseSettings):
    """The same, as TIDINGS_* variables of the environment have it."""

    model_config = SettingsConfigDict(env_prefix="TIDINGS_", env_nested_delimiter="__", env_ignore_empty=True)


STAND_INS = StandIns(
    {
        "workspace": "stand_in",
        "salt": "x" * 16,
        "brand": {
            "name": "",
            "address": "",
            "website": "https://example.com",
            "support_email": "nobody@example.com",
        },
        "sender": {"email": "nobody@example.com", "name": ""},
        "public_url": "https://example.com",
        "channels": {},
        "providers": ["outbox"],
    }
)


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
    """The settings of one environment as far as they hold; where they do not, at `mended`, a stand-in is.

    `channels` are the names that the files have, right or wrong; None where they have none that can be read.
    """

    name: str
    settings: Settings
    layers: Layers
    mended: frozenset[Place] = frozenset()
    channels: Collection[str] | None = None

    def doubts(self, place: Place) -> bool:
        """Whether the files do not say, or say wrongly, what is there or above it."""
        return any(place[: len(mended)] == mended for mended in self.mended)


def read_settings(root: Path) -> tuple[list[Reading], list[TidingsError]]:
    """The settings of every environment in the file, the present one last, and all mistakes, each once."""
    errors: list[TidingsError] = []
    base, local = _mapping(root, MARKER, errors), None
    unread = bool(errors)
    if (root / LOCAL).exists():
        local = _mapping(root, LOCAL, errors)
    values: Values = base.data
    overlays = values.get("environments")
    overlays = overlays if isinstance(overlays, dict) else {}
    present = environment()
    readings: list[Reading] = []
    for name in sorted({*overlays, present}, key=lambda name: (name == present, name)):
        merged, documents = values, [(base, Place())]
        if isinstance(overlays.get(name), dict):
            merged, documents = merge(merged, overlays[name]), [*documents, (base, ("environments", name))]
        if local and name == present:
            merged, documents = merge(merged, local.data), [*documents, (local, Place())]
        reading, found = _read(merged, Layers(tuple(documents)), name)
        if unread:
            reading, found = replace(reading, mended=frozenset([()])), []
        readings.append(reading)
        errors += found
    said = {error.where for error in errors}
    errors += [error for document in (base, local) if document for error in empty_values(document, said)]
    return readings, list({str(error): error for error in errors}.values())


def load_settings(root: Path) -> Settings:
    """The settings of the workspace at `root`; ProjectErrors with places where they are wrong."""
    readings, errors = read_settings(root)
    if errors:
        raise ProjectErrors(errors)
    return readings[-1].settings


def _read(values: Values, layers: Layers, name: str) -> tuple[Reading, list[TidingsError]]:
    errors: list[TidingsError] = []
    try:
        values = merge(values, EnvSettingsSource(Variables)())
    except SettingsError as error:
        field = (re.findall(r'field "(\w+)"', str(error)) or ["*"])[0]
        where = Where(f"TIDINGS_{field.upper()}")
        errors.append(TidingsError("the environment variable is not JSON", 'write one such as ["a", "b"]', where))
    done = salvage(Settings, values, STAND_INS)
    if done.noun is None:
        raise AssertionError("every key that settings need has a stand-in")
    settings, found = done.noun, done.mistakes
    if name == environment() == PRODUCTION and settings.clock.at is not None:
        fix = "remove it: production runs on the wall clock"
        found = [*found, Mistake(("clock", "at"), "clock.at is set in production", fix)]
    errors += [TidingsError(each.reason, each.fix, layers.where(each.place, key=each.at_key)) for each in found]
    channels = values.get("channels")
    return Reading(name, settings, layers, done.mended, channels if isinstance(channels, dict) else None), errors


def merge(below: Values, above: Values) -> Values:
    """`above` laid over `below`, mapping by mapping; neither is changed."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _mapping(root: Path, name: Path, errors: list[TidingsError]) -> YamlDocument:
    """A file of settings; without keys, and with a mistake in `errors`, where it is none."""
    try:
        document = read_yaml(root / name, root)
        if isinstance(document.data, dict):
            return document
        raise TidingsError("not a mapping", "write `key: value` lines", Where(document.file, 1, 1))
    except TidingsError as error:
        errors.append(error)
        return YamlDocument({}, name.as_posix())
