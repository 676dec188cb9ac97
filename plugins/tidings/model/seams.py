"""The interfaces plugins and built-ins implement. Types only; hookspecs.py says where each one comes in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from tidings.model.base import Noun
from tidings.model.delivery import Outcome, Outgoing, ProviderEvent, Schedule, Suppressed
from tidings.model.mistakes import Mistake

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd


class Provider(ABC):
    """Carries one channel and knows only its protocol; retry, pacing and state belong to the engine.

    `real` is False for a provider that reaches nobody (the outbox); outside production only those get
    addresses off the allow list. A `real` one that is not on `loopback` takes messages at the machine's own time
    only, never at a typed one. One that `substitutes` gets each message in two forms: joined, and as the skeleton that
    it shares with others and its own holes. One that has `cancels` takes messages which leave so much later, and can be
    told until then to discard them (R10). One instance serves one `deliver` call and is closed after it.
    """

    name: ClassVar[str]
    channel: ClassVar[str | None]
    real: ClassVar[bool] = True
    max_batch: ClassVar[int] = 100
    substitutes: ClassVar[bool] = False
    cancels: ClassVar[timedelta | None] = None
    Config: ClassVar[type[Noun]]
    bookmark: str | None = None

    def __init__(self, config: Any, *, root: Path) -> None:
        self.config = config
        self.root = root

    @property
    def loopback(self) -> bool:
        """Whether it speaks with this machine alone, as a test server or a demo does."""
        return False

    @classmethod
    def mistakes(cls, config: Any, sender: str) -> Iterable[Mistake]:  # noqa: ARG003 - filled by who has any
        """What is wrong with a sound Config beside the address that sends; `tidings check` says it at its place."""
        return ()

    @abstractmethod
    async def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        """One outcome a message; a message without one, with two that differ, or an exception, is in doubt."""

    async def schedule(self, send_at: datetime, now: datetime) -> Schedule:
        """A new id for messages that leave at that time; TidingsError where they could not be cancelled then."""
        raise NotImplementedError

    async def send_scheduled(self, batch: Sequence[Outgoing], schedule: Schedule) -> list[Outcome]:
        """As `send`, for a provider that has `cancels`: the messages leave at the schedule's time."""
        raise NotImplementedError

    async def cancel(self, schedule: Schedule, now: datetime) -> bool:
        """Whether the provider has confirmed that nothing sent with the schedule, sooner or later, will leave."""
        raise NotImplementedError

    async def lookup(self, send_keys: Sequence[str]) -> list[Outcome]:
        """What the provider knows of messages in doubt; nothing by default."""
        return []

    def parse_webhook(
        self, url: str, headers: Mapping[str, str], raw_body: bytes, now: datetime
    ) -> list[ProviderEvent]:
        """Verified events of one webhook call; none by default."""
        return []

    def collect(self, now: datetime) -> Iterable[ProviderEvent]:
        """Events that wait to be fetched, asked for with every tick: the same one may come again; none by default.

        What it leaves in `bookmark` is kept in the ledger together with the events, and is there again the next time.
        """
        return ()

    async def suppressions(self, since: datetime | None = None) -> Sequence[Suppressed]:
        """Whom it will not write to, and why, asked for once a day; the same entry may come again; none by default."""
        return ()

    async def check_sender(self, address: str) -> None:  # noqa: B027 - most providers cannot say
        """TidingsError unless it takes messages from that address; asked by `tidings check --online`."""

    async def close(self) -> None:  # noqa: B027 - a provider without connections need not have it
        """Give back connections."""


@dataclass(frozen=True)
class Surroundings:
    """What a condition may know of the workspace that asks it.

    `data` is the folder of what git does not track; `columns` (name → kind) and `tables` are None where the warehouse
    cannot be read.
    """

    data: Path
    timezone: str
    columns: Mapping[str, str] | None = None
    tables: Collection[str] | None = None


class Condition(ABC):
    """A named condition of YAML (`bought: {...}`).

    It declares the aggregates it needs of the warehouse (one value a customer) and gives a SQL boolean
    expression over them. NULL counts as false. Before it is asked anything it is told what is `around` it.
    """

    name: ClassVar[str]
    Config: ClassVar[type[Noun]]
    ledger: ClassVar[bool] = False
    around: Surroundings = Surroundings(Path("data"), "UTC")

    def __init__(self, config: Any) -> None:
        self.config = config

    def mistakes(self) -> Iterable[Mistake]:
        """What is wrong with a sound Config in this workspace, each at its key; then nothing else is asked."""
        return ()

    def answers(self, profiles: pd.DataFrame) -> Mapping[str, pd.Series[Any]]:
        """Column name → a value each row of `profiles` (customer_id; email, normalised or missing), where no aggregate
        says it; names begin `<name>__`. The snapshot keeps them: no address may be among them.
        """
        return {}

    def aggregates(self, tables: Mapping[str, ir.Table], now: datetime) -> dict[str, ir.Column]:
        """Column name → aggregate over `tables`, grouped by customer_id by the caller; names begin `<name>__`."""
        return {}

    @abstractmethod
    def sql(self, now: datetime) -> str:
        """DuckDB boolean expression over feature columns."""


class Gate(Protocol):
    """One question of a plan, asked of everybody still in it; the first closed gate is the reason."""

    code: str

    def open(self, people: pd.DataFrame) -> pd.Series[bool]:
        """True where the person may go on; one value a row of `people`."""


class Eligibility(ABC):
    """A company's own rule: declares the columns it needs and gets a frame of just those."""

    name: ClassVar[str]
    columns: ClassVar[Sequence[str]]
    campaigns: ClassVar[Sequence[str] | None] = None

    @abstractmethod
    def allowed(self, people: pd.DataFrame) -> pd.Series[bool]:
        """True where a message is allowed; indexed as `people`."""


@dataclass(frozen=True)
class Snapshot:
    """One refresh on disk: immutable, resolved once per plan."""

    snapshot_id: str
    as_of: datetime
    folder: Path

    @property
    def people(self) -> Path:
        """One row a profile: person_key, customer_id, represents, features, `in__<segment>`."""
        return self.folder / "people.parquet"

    @property
    def addresses(self) -> Path:
        """Contact columns; the one current file beside all snapshots."""
        return self.folder.parent / "addresses.parquet"

    @property
    def membership(self) -> Path:
        """The last change of each person and segment: segment, person_key, change, since, cause."""
        return self.folder / "membership.parquet"

    @property
    def months(self) -> Path:
        """What customers earned and cost: customer_id, month (its first day), and minor units."""
        return self.folder / "months.parquet"

    @property
    def costing(self) -> Path:
        """The pools of activity costs and what became of them, as JSON."""
        return self.folder / "costing.json"

    @property
    def recommendations(self) -> Path:
        """person_key, rank, product and reason."""
        return self.folder / "recommendations.parquet"

    @property
    def rules(self) -> Path:
        """Association rules in mlxtend's columns."""
        return self.folder / "rules.parquet"


class CostDriver(ABC):
    """What an activity's cost is spread by: each of its events costs the same.

    One that reads the `ledger` is given the table `contacts` (customer_id, at, campaign, channel: messages sent),
    every other the company's tables.
    """

    name: ClassVar[str]
    ledger: ClassVar[bool] = False

    @abstractmethod
    def events(self, tables: Mapping[str, ir.Table]) -> ir.Table:
        """A row an event: customer_id and at (UTC); where there is a column `of`, its equal values are one event.

        Equal ones of two months are two.
        """


class Recommender(ABC):
    """Ranks products for everybody at once."""

    name: ClassVar[str]

    @abstractmethod
    def recommend(self, tables: Mapping[str, ir.Table], people: pd.DataFrame, now: datetime) -> pd.DataFrame:
        """Rows customer_id, rank, product_id, reason (a code), reason_product, score; `people` has customer_id."""


class ReportSection(ABC):
    """A part of a campaign's report."""

    name: ClassVar[str]
    order: ClassVar[int] = 50

    @abstractmethod
    def build(self, facts: Mapping[str, Any]) -> SectionContent | None:
        """The section's content from the report's facts, or None where it has nothing to say."""


@dataclass(frozen=True)
class Chart:
    """A picture inside a report; `alt` carries the number, so that nobody needs the picture."""

    name: str
    png: bytes
    alt: str


@dataclass(frozen=True)
class SectionContent:
    """Title says the finding; `html` is a fragment, `text` its plain form."""

    title: str
    html: str
    text: str
    charts: Sequence[Chart] = ()
