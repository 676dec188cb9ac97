"""Uses of the public API, as a plugin or a script of a company would write them; mypy reads them, nothing runs them.

A line that stops type checking is a change that somebody outside would feel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, assert_type

from tidings.errors import ProjectErrors, TidingsError, Where
from tidings.hookspecs import hookimpl
from tidings.measurement.lift import lift
from tidings.model.base import Noun
from tidings.model.campaign import Campaign, Segment
from tidings.model.counts import (
    ApproveShape,
    BackupShape,
    CheckShape,
    DeliverShape,
    Estimate,
    LedgerShape,
    MeasureShape,
    PlanShape,
    PreviewShape,
    RecoverShape,
    RefreshShape,
    ReportShape,
    TickShape,
    TrackShape,
    VerifyShape,
    WhyShape,
)
from tidings.model.delivery import Outcome, Outgoing, ProviderEvent
from tidings.model.mistakes import Mistake
from tidings.model.run import Run
from tidings.model.seams import (
    Chart,
    Condition,
    Eligibility,
    Provider,
    Recommender,
    ReportSection,
    SectionContent,
)
from tidings.project import Project, find_root, load_project
from tidings.tokens import TokenSigner
from tidings.verbs.approve import approve
from tidings.verbs.backup import backup
from tidings.verbs.check import check
from tidings.verbs.deliver import deliver
from tidings.verbs.ledger import ledger
from tidings.verbs.measure import measure
from tidings.verbs.plan import plan
from tidings.verbs.preview import preview
from tidings.verbs.recover import recover
from tidings.verbs.refresh import refresh
from tidings.verbs.report import report
from tidings.verbs.tick import tick
from tidings.verbs.track import track
from tidings.verbs.verify import verify
from tidings.verbs.why import why

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import jinja2
    import pandas as pd


class GatewayConfig(Noun):
    """Settings of a provider: a frozen model."""

    address: str
    retries: int = 3


class Gateway(Provider):
    """A provider gives one outcome a message, and may know more of messages in doubt."""

    name = "gateway"
    channel = "sms"
    max_batch = 10
    Config = GatewayConfig
    config: GatewayConfig

    async def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        return [Outcome(send_key=one.send_key, status="accepted", provider_id=one.send_key) for one in batch]

    async def lookup(self, send_keys: Sequence[str]) -> list[Outcome]:
        return [Outcome(send_key=key, status="unknown") for key in send_keys]

    @classmethod
    def mistakes(cls, config: GatewayConfig, sender: str) -> list[Mistake]:
        return [Mistake(("address",), f"{sender} cannot send by it")] if sender == config.address else []

    def parse_webhook(
        self, url: str, headers: Mapping[str, str], raw_body: bytes, now: datetime
    ) -> list[ProviderEvent]:
        return [ProviderEvent(provider=self.name, event_id=url, kind="delivered", occurred_at=now)]


class Returned(Condition):
    """A condition declares the aggregates it asks about."""

    name = "returned"

    class Config(Noun):
        """The number of returns."""

        at_least: int = 1

    config: Config

    def aggregates(self, tables: Mapping[str, ir.Table], now: datetime) -> dict[str, ir.Column]:
        return {"returns": tables["orders"].count()}

    def sql(self, now: datetime) -> str:
        return f'"returns" >= {self.config.at_least}'


class Adult(Eligibility):
    """A rule gets the columns it names and answers a row each."""

    name = "adult"
    columns = ("birth_date",)
    campaigns: ClassVar[Sequence[str] | None] = ("wine",)

    def allowed(self, people: pd.DataFrame) -> pd.Series[bool]:
        return people["birth_date"].notna()


class Newest(Recommender):
    """A recommender ranks for everybody at once."""

    name = "newest"

    def recommend(self, tables: Mapping[str, ir.Table], people: pd.DataFrame, now: datetime) -> pd.DataFrame:
        return people.assign(rank=1, product_id="1", reason="popular", reason_product=None, score=1.0)


class Thanks(ReportSection):
    """A section says something, or nothing."""

    name = "thanks"
    order = 95

    def build(self, facts: Mapping[str, Any]) -> SectionContent | None:
        chart = Chart(name="thanks", png=b"", alt="thanks")
        return SectionContent(title="Thanks", html="<p>Thanks</p>", text="Thanks", charts=[chart]) if facts else None


@hookimpl
def register_providers() -> list[type[Provider]]:
    """Registries take classes."""
    return [Gateway]


@hookimpl
def register_conditions() -> list[type[Condition]]:
    """A condition."""
    return [Returned]


@hookimpl
def register_eligibility() -> list[type[Eligibility]]:
    """A rule."""
    return [Adult]


@hookimpl
def register_recommenders() -> list[type[Recommender]]:
    """A recommender."""
    return [Newest]


@hookimpl
def register_report_sections() -> list[type[ReportSection]]:
    """A section."""
    return [Thanks]


@hookimpl
def prepare_jinja_environment(env: jinja2.Environment) -> None:
    """A filter."""
    env.filters["shout"] = str.upper


@hookimpl
def resolve_secret(name: str) -> str | None:
    """A secret, or None so that the next plugin is asked."""
    return {"gateway_password": "from a vault"}.get(name)


def every_verb(project: Project, now: datetime) -> None:
    """Each verb takes the project and business time, and gives back its shape."""
    assert_type(check(project.root), CheckShape)
    assert_type(refresh(project, now), RefreshShape)
    run = Run(dag_id="campaign__win_back", run_id="manual__1")
    made = plan(project, "win_back", now, commit=True, occasion="entry:2026-11-20", run=run)
    assert_type(made.shape(rows=True), PlanShape)
    assert_type(approve(project, "win_back", now, who="lan@example.com", hash_=made.plan_hash), ApproveShape)
    assert_type(deliver(project, now, plan_id=made.plan_id, shard=(0, 4)), DeliverShape)
    assert_type(tick(project, now), TickShape)
    assert_type(track(project, [], now), TrackShape)
    assert_type(measure(project, "win_back", now), MeasureShape)
    assert_type(report(project, "win_back", now, send=False), ReportShape)
    assert_type(why(project, "C1", "win_back", now), WhyShape)
    assert_type(preview(project, "win_back/miss_you", "C1", now), PreviewShape)
    assert_type(ledger(project), LedgerShape)
    assert_type(verify(project), VerifyShape)
    assert_type(backup(project, Path("copy.db")), BackupShape)
    assert_type(recover(project, now, new_journal=False), RecoverShape)


def a_workspace() -> dict[str, Campaign]:
    """Loading gives everything the files say, or every mistake with its place."""
    try:
        project = load_project(find_root(Path.cwd()))
    except ProjectErrors as errors:
        places: list[Where | None] = [error.where for error in errors.errors]
        raise TidingsError(f"{len(places)} mistakes", "mend them", places[0]) from errors
    assert_type(project.segments, dict[str, Segment])
    assert_type(project.now("2026-11-20T09:00"), datetime)
    return project.campaigns


def measuring_alone(people: pd.DataFrame) -> Estimate | None:
    """The statistics need no workspace."""
    return lift(people).conversion_lift


def links() -> str:
    """Tokens are signed with the newest key and read with any."""
    signer = TokenSigner(["a key of at least 16 characters"])
    token = signer.sign("preferences", {"k": "0" * 32}, now=datetime(2026, 11, 20, tzinfo=UTC))
    return str(signer.read("preferences", token)["k"])
