from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.airflow.conftest import NOW, rewrite
from tidings.airflow import tasks
from tidings.airflow.compat import AirflowSkipException
from tidings.airflow.local import run_dag_once
from tidings.errors import ProjectErrors
from tidings.ledger.database import Ledger
from tidings.ledger.tables import attempts, messages, plans
from tidings.model.counts import DeliverShape
from tidings.project import load_project
from tidings.testing.smtp_sink import SmtpSink

pytestmark = pytest.mark.long

NEWSLETTER = "campaign__newsletter"


def states(root: Path, campaign: str = "newsletter") -> Counter[str]:
    """The campaign's messages by state, withheld ones left out."""
    query = select(messages.c.state).where(messages.c.campaign == campaign, messages.c.state != "withheld")
    with Ledger.open(load_project(root)) as ledger, ledger.read() as connection:
        return Counter(connection.execute(query).scalars())


def rows(root: Path, query: Any) -> list[Any]:
    """What a query finds in the ledger."""
    with Ledger.open(load_project(root)) as ledger, ledger.read() as connection:
        return list(connection.execute(query))


def scheduled(at: datetime | None, kind: str = "scheduled") -> Any:
    """A run that Airflow's clock has started, as its tasks see it."""
    from airflow.sdk.api.datamodels._generated import DagRun, DagRunState, DagRunType

    return DagRun(
        dag_id=NEWSLETTER, run_id="scheduled__1", run_type=DagRunType(kind), logical_date=at, run_after=at or NOW,
        start_date=NOW, end_date=None, data_interval_start=None, data_interval_end=None, partition_key=None,
        state=DagRunState.RUNNING, consumed_asset_events=[],
    )  # fmt: skip


def test_a_campaign_sends_once(approved: Path, sink: SmtpSink) -> None:
    """Everybody planned has one message at the mail server, and the ledger says so."""
    run = run_dag_once(NEWSLETTER, NOW, approved)
    assert run.state == "success"
    assert set(run.tasks.values()) == {"success"}
    assert states(approved) == {"accepted": len(sink.accepted())}
    assert len(sink.accepted()) > 20


def test_triggering_twice_sends_nothing_twice(approved: Path, sink: SmtpSink) -> None:  # R01
    """A second run of the occasion, at once or a day later, finds its plan and nothing to do."""
    run_dag_once(NEWSLETTER, NOW, approved)
    sent = sink.accepted()
    for later in (timedelta(0), timedelta(days=1)):
        assert run_dag_once(NEWSLETTER, NOW + later, approved).state == "success"
    assert sink.accepted() == sent
    assert rows(approved, select(func.count()).select_from(plans)) == [(1,)]


def test_an_occasion_may_be_typed(approved: Path, sink: SmtpSink) -> None:
    """Typed again it sends nothing; another one is another letter."""
    first = run_dag_once(NEWSLETTER, NOW, approved, conf={"occasion": "extra"})
    again = run_dag_once(NEWSLETTER, NOW, approved, conf={"occasion": "extra"})
    assert (first.state, again.state) == ("success", "success")
    assert rows(approved, select(plans.c.occasion)) == [("extra",)]
    assert len(sink.accepted()) == sum(states(approved).values())


@pytest.mark.parametrize("typed", ["lan@example.com", "", " x", "a" * 99, 7])
def test_an_occasion_is_a_word(workspace: Path, typed: object) -> None:
    """What is no name of an occasion is refused before a run is made."""
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        run_dag_once(NEWSLETTER, NOW, workspace, conf={"occasion": typed})


def test_every_attempt_names_a_run_that_succeeded(approved: Path, sink: SmtpSink) -> None:
    """dag_id and run_id of plans and attempts are those of the Dag run that made them."""
    runs = [run_dag_once(dag_id, NOW, approved) for dag_id in (NEWSLETTER, "campaign__cross_sell_weekly")]
    named = {(run.dag_id, run.run_id) for run in runs if run.state == "success"}
    assert set(rows(approved, select(attempts.c.dag_id, attempts.c.run_id))) == named
    assert set(rows(approved, select(plans.c.dag_id, plans.c.run_id))) == named
    assert len(named) == 2


def test_the_snapshot_reaches_who_waits_for_it(workspace: Path) -> None:
    """A refresh says on its assets which snapshot it made and of when."""
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session

    run = run_dag_once("tidings__refresh", NOW, workspace)
    with create_session() as session:
        here = (AssetEvent.source_dag_id == run.dag_id) & (AssetEvent.source_run_id == run.run_id)
        extras = [event.extra for event in session.scalars(select(AssetEvent).where(here))]
    assert len(extras) == 2 + len(load_project(workspace).segments)
    assert {extra["as_of"] for extra in extras} == {NOW.isoformat()}


def test_a_tick_sends_what_has_fallen_due(approved: Path, sink: SmtpSink) -> None:
    """What the campaign's own run left for later goes out with the first tick after it; an idle tick is skipped."""
    rewrite(approved, "second_order", approval="none")
    run_dag_once("campaign__second_order", NOW, approved)
    before = states(approved, "second_order")
    ticks = [run_dag_once("tidings__tick", NOW + timedelta(days=day), approved) for day in (1, 1)]
    assert before["planned"] > 0
    assert states(approved, "second_order") == {"accepted": before.total()}
    assert [run.tasks["tick"] for run in ticks] == ["success", "skipped"]


def test_a_tick_without_a_ledger_is_skipped(workspace: Path) -> None:
    """Before the first refresh there is nothing to do, and no empty ledger is made."""
    (workspace / ".tidings" / "ledger.db").unlink()
    assert run_dag_once("tidings__tick", NOW, workspace).tasks == {"tick": "skipped"}
    assert not (workspace / ".tidings" / "ledger.db").exists()


def test_a_report_is_mailed_once_its_window_has_closed(approved: Path, sink: SmtpSink) -> None:
    """Not before, then to the owner, and not again the day after."""
    run_dag_once(NEWSLETTER, NOW, approved)
    sent = len(sink.accepted())
    closed = NOW + load_project(approved).campaigns["newsletter"].goal.within
    days = (NOW + timedelta(days=1), closed + timedelta(days=1), closed + timedelta(days=2))
    states_of = [run_dag_once("tidings__report", day, approved).tasks["report"] for day in days]
    assert states_of == ["skipped", "success", "skipped"]
    assert [entry["to"] for entry in sink.accepted()[sent:]] == [["lan@example.com"]]


def test_a_paused_campaign_does_not_run(approved: Path, sink: SmtpSink) -> None:
    """Triggered by hand it is skipped from the first task on."""
    rewrite(approved, "newsletter", status="paused")
    run = run_dag_once(NEWSLETTER, NOW, approved)
    assert set(run.tasks.values()) == {"skipped"}
    assert sink.accepted() == []


def test_a_mistake_stops_its_own_campaign(approved: Path) -> None:
    """A broken segment fails the check of the campaign that uses it, with its place; another campaign passes."""
    (approved / "segments/newsletter_readers.yaml").write_text("segment: newsletter_readers\nwhere: []\n")
    run = run_dag_once(NEWSLETTER, NOW, approved)
    assert (run.state, run.tasks["check"], run.tasks["deliver"]) == ("failed", "failed", "upstream_failed")
    with pytest.raises(ProjectErrors, match=r"segments/newsletter_readers\.yaml:2:8"):
        tasks.check(str(approved), "newsletter")
    assert tasks.check(str(approved), "win_back")


def test_a_question_that_cannot_be_answered_stops_only_who_asks(approved: Path, sink: SmtpSink) -> None:
    """An unknown column in a segment: refresh leaves the segment out, its campaign fails, another one runs."""
    wrong = "segment: newsletter_readers\ntitle: Readers\nwhere: ['ordrs >= 1']\n"
    (approved / "segments/newsletter_readers.yaml").write_text(wrong)
    assert run_dag_once("tidings__refresh", NOW + timedelta(minutes=1), approved).state == "success"
    assert run_dag_once(NEWSLETTER, NOW + timedelta(hours=1), approved).tasks["check"] == "failed"
    assert run_dag_once("campaign__win_back", NOW + timedelta(hours=1), approved).state == "success"


def test_a_mistake_in_a_template_stops_its_campaign(approved: Path) -> None:
    """An unknown variable is found before anything is planned."""
    template = approved / "templates/newsletter/weekly.mjml"
    wrong = "<mj-section><mj-column><mj-text>{{ nothing_such }}</mj-text></mj-column></mj-section></mj-body>"
    template.write_text(template.read_text("utf-8").replace("</mj-body>", wrong), "utf-8")
    with pytest.raises(ProjectErrors, match=r"templates/newsletter/weekly\.mjml:\d+:\d+: .*nothing_such"):
        tasks.check(str(approved), "newsletter")
    assert tasks.check(str(approved), "win_back")["mistakes_elsewhere"] == 1


def test_mistakes_are_said_by_a_failing_run(workspace: Path) -> None:
    """The Dag that is there only while files are broken fails with every place, and passes once they are mended."""
    rewrite(workspace, "newsletter", aim="caer")
    with pytest.raises(ProjectErrors, match=r"config/campaigns/newsletter\.yaml:2:6"):
        tasks.mistakes(str(workspace))
    rewrite(workspace, "newsletter", aim="care")
    tasks.mistakes(str(workspace))


def test_a_scheduled_run_serves_its_own_time(approved: Path, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cleared after the next occasion has come, within late_by, it still names the occasion it was made for."""
    rewrite(approved, "newsletter", schedule='"0 8 * * *"', late_by="72h", timezone="UTC")
    wall = load_project(approved).now()
    day = (wall - timedelta(days=2)).replace(hour=8, minute=0, second=0, microsecond=0)
    monkeypatch.delenv("TIDINGS_CLOCK__AT", raising=False)
    made = tasks.plan(str(approved), "newsletter", dag_run=scheduled(day))
    assert made["occasion"] == day.date().isoformat()


def test_a_late_run_is_skipped(approved: Path) -> None:
    """What a scheduler starts more than late_by after its time is not sent; a person may still trigger it."""
    rewrite(approved, "newsletter", schedule='"0 8 * * *"', late_by="2h", timezone="UTC")
    wall = load_project(approved).now()
    missed = (wall - timedelta(days=1)).replace(hour=8, minute=0, second=0, microsecond=0)
    with pytest.raises(AirflowSkipException, match="too late"):
        tasks.plan(str(approved), "newsletter", dag_run=scheduled(missed))
    assert rows(approved, select(plans)) == []
    assert tasks.plan(str(approved), "newsletter", dag_run=scheduled(missed, "manual"))["plan_id"]


def test_a_run_after_a_refresh_serves_that_refresh(approved: Path) -> None:
    """Its occasion is the day of the snapshot that triggered it, though another one may be current by now."""
    from airflow.sdk.api.datamodels._generated import AssetEventResponse, AssetResponse

    rewrite(approved, "newsletter", schedule="{after: refresh}", late_by="2000w")
    day = NOW - timedelta(days=3)
    asset = AssetResponse(name="refresh", uri="tidings://sunrise/refresh", group="tidings")
    event = AssetEventResponse(
        id=1, timestamp=NOW, extra={"as_of": day.isoformat()}, asset=asset, created_dagruns=[]
    )  # fmt: skip
    run = scheduled(None, "asset_triggered")
    made = tasks.plan(str(approved), "newsletter", dag_run=run, triggering_asset_events={asset.name: [event]})
    assert made["occasion"] == day.date().isoformat()


@pytest.mark.parametrize("kind", ["scheduled", "manual"])
def test_once_is_not_sent_before_its_day(approved: Path, kind: str) -> None:
    """Its cron expression comes due each year before, too; by hand the occasion would have to be typed."""
    rewrite(approved, "newsletter", schedule='{once: "2199-12-24T09:00"}')
    with pytest.raises(AirflowSkipException, match="not due before 2199-12-24"):
        tasks.plan(str(approved), "newsletter", dag_run=scheduled(NOW, kind))
    assert tasks.plan(str(approved), "newsletter", params={"occasion": "once"})["plan_id"]


def test_once_is_not_sent_a_year_later(approved: Path) -> None:
    """The cron expression comes due again; the occasion is the old one, and late."""
    rewrite(approved, "newsletter", schedule='{once: "2020-12-24T09:00"}')
    with pytest.raises(AirflowSkipException, match="too late"):
        tasks.plan(str(approved), "newsletter", dag_run=scheduled(NOW))


def test_a_long_delivery_logs_counts_and_what_nobody_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Every half minute a line; not what a provider said, which may be about a person (R53)."""
    none: dict[str, int] = {}
    same = {"claimed": 7, "accepted": 6, "refused": 1, "later": 0, "in_doubt": 0, "expired": 0}
    done = DeliverShape.model_validate(same | {"skipped": none, "put_off": none, "causes": {"550 lan": 1}})
    with caplog.at_level("INFO", logger=tasks.log.name):
        tasks.progress()(done)
        assert [] == caplog.messages
        monkeypatch.setattr(tasks, "EVERY", 0.0)
        tasks.progress()(done)
    [line] = caplog.messages
    assert "'accepted': 6" in line
    assert "550" not in line
