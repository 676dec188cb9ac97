"""`report`: its numbers are an independent recount, and its owner gets it once an occasion."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import select

from tests.verbs.commands import answer
from tests.verbs.walk import DAY, LAST, NOW, Walk, walked
from tests.workspace import delivered, shop
from tidings.ledger.database import Ledger
from tidings.ledger.tables import assignments, messages
from tidings.measurement.facts import due_occasion, report_facts
from tidings.model.counts import ReportShape
from tidings.project import Project, load_project
from tidings.verbs.approve import approve
from tidings.verbs.deliver import deliver
from tidings.verbs.plan import plan
from tidings.verbs.report import report

pytestmark = pytest.mark.long

OWNER = "lan@example.com"


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    """The walk, to be reported on."""
    return walked(tmp_path)


def _letters(project: Project) -> list[Path]:
    """The reports that left for the owner."""
    files = (project.state / "outbox" / "email").glob("*.eml")
    return [path for path in files if message_from_bytes(path.read_bytes(), policy=default)["To"] == OWNER]


def _bought(project: Project) -> dict[str, list[tuple[datetime, int]]]:
    """customer_id → (time, cents) of their orders with milk, read from the shop's own files."""
    tables = {}
    for name in ("orders", "order_lines", "products"):
        with (project.root / "data" / f"{name}.csv").open(newline="") as file:
            tables[name] = list(csv.DictReader(file))
    milk = {row["product_id"] for row in tables["products"] if row["category"] == "Milk"}
    wanted = {row["order_id"] for row in tables["order_lines"] if row["product_id"] in milk}
    found: dict[str, list[tuple[datetime, int]]] = {}
    for row in tables["orders"]:
        if row["order_id"] in wanted:
            cents = round(float(row["total"]) * 100)
            found.setdefault(row["customer_id"], []).append((datetime.fromisoformat(row["ordered_at"]), cents))
    return found


def test_the_numbers_are_a_recount(walk: Walk) -> None:
    """What the report says of both arms is what the shop's files and the anchors say, person by person (R17)."""
    bought = _bought(walk.project)
    addresses = pd.read_parquet(walk.project.state / "snapshots" / "addresses.parquet")
    profiles = addresses.groupby("person_key")["customer_id"].apply(list).to_dict()
    with Ledger.open(walk.project) as ledger, ledger.read() as connection:
        drawn = connection.execute(select(assignments).where(assignments.c.campaign == "win_back")).all()
        facts = report_facts(walk.project, walk.project.campaigns["win_back"], connection, LAST)
    persons, converted, value = Counter[str](), Counter[str](), Counter[str]()
    for row in drawn:
        end = row.anchored_at + timedelta(days=14)
        if end > LAST:
            continue
        orders = [one for customer in profiles[row.person_key] for one in bought.get(customer, [])]
        inside = [cents for at, cents in orders if row.anchored_at <= at < end]
        persons[row.arm] += 1
        converted[row.arm] += bool(inside)
        value[row.arm] += sum(inside)
    for arm in facts["measure"].arms:
        assert (persons[arm.arm], converted[arm.arm], value[arm.arm]) == (arm.persons, arm.converted, arm.value)
    text = Path(report(walk.project, "win_back", LAST, send=False).text).read_text()
    assert f"People: In the campaign {persons['treated']}; Held out {persons['control']}" in text
    assert f"Bought: In the campaign {converted['treated']} " in text
    assert f"Order value: In the campaign ${value['treated'] / 100:.2f}" in text


def test_the_messages_are_what_left(walk: Walk) -> None:
    """Accepted is the number of files in the outbox, by campaign; withheld never left (R17)."""
    keys = {one.key for one in delivered(walk.project)}
    with Ledger.open(walk.project) as ledger, ledger.read() as connection:
        rows = connection.execute(select(messages).where(messages.c.campaign == "win_back")).all()
        facts = report_facts(walk.project, walk.project.campaigns["win_back"], connection, LAST)
    left = [row for row in rows if row.send_key in keys]
    assert {"accepted": len(left), "withheld": len(rows) - len(left)} == facts["states"]
    assert f"Accepted: {len(left)}" in Path(report(walk.project, "win_back", LAST, send=False).text).read_text()
    assert facts["plans"][0]["counts"].considered == 235
    assert sum(facts["plans"][0]["states"].values()) == sum(
        getattr(facts["plans"][0]["counts"], name) for name in ("planned", "withheld")
    )


def test_the_owner_gets_it_once(walk: Walk) -> None:
    """One letter an occasion however often it is asked for."""
    shapes = [report(walk.project, "win_back", LAST + hours * timedelta(hours=1)) for hours in (0, 1, 2)]
    assert {("2026-W50", OWNER, "accepted")} == {(shape.occasion, shape.sent_to, shape.state) for shape in shapes}
    assert 1 == len(_letters(walk.project))


def _due(project: Project, campaign: str, now: datetime) -> str | None:
    with Ledger.open(project) as ledger, ledger.read() as connection:
        return due_occasion(project, project.campaigns[campaign], connection, now)


def test_a_flow_reports_while_windows_close(walk: Walk) -> None:
    """Weekly, and no more once the last window has closed: what is asked for then is the last report again."""
    sent = {}
    for day in range(120):
        if (occasion := _due(walk.project, "win_back", NOW + day * DAY)) is not None:
            assert occasion == report(walk.project, "win_back", NOW + day * DAY).occasion
            sent[day] = occasion
    # Fourteen days after days 0, 5 and 15, on which something was sent.
    assert {14: "2026-W49", 19: "2026-W50", 29: "2026-W52"} == sent
    assert 3 == len(_letters(walk.project))
    assert "2026-W52" == report(walk.project, "win_back", NOW + 58 * 7 * DAY).occasion
    assert 3 == len(_letters(walk.project))


def test_the_letter_is_the_report(walk: Walk) -> None:
    """HTML with its charts inside, text, and the sheets beside it, under a subject that says the finding."""
    shape = report(walk.project, "win_back", LAST)
    [path] = _letters(walk.project)
    letter = message_from_bytes(path.read_bytes(), policy=default)
    kinds = Counter(part.get_content_type() for part in letter.walk() if not part.is_multipart())
    assert 1 == kinds["text/plain"] == kinds["text/html"]
    assert kinds["text/csv"] > 0
    assert kinds["image/png"] > 0
    plain = letter.get_body(("plain",)).get_content()
    assert "Considered: 235" in plain
    assert Path(shape.html).is_file()
    assert Path(shape.text).read_text().split() == plain.split()


def test_writing_is_not_sending(walk: Walk) -> None:
    """Without `send` there are files and no letter, and the owner still gets the occasion's letter afterwards."""
    shape = report(walk.project, "win_back", LAST, send=False)
    assert (None, "written") == (shape.sent_to, shape.state)
    assert [] == _letters(walk.project)
    assert "accepted" == report(walk.project, "win_back", LAST).state


def test_the_json_of_a_report(walk: Walk) -> None:
    """`report --json` is the shape."""
    shape = answer(walk.project, ReportShape, "report", "win_back", "--at", LAST.isoformat())
    assert ("win_back", OWNER, "accepted") == (shape.campaign, shape.sent_to, shape.state)


def test_the_occasion_of_a_broadcast(tmp_path: Path) -> None:
    """Until the window of an occasion has closed the report is an interim one of the day; then it is the occasion's."""
    project = shop(tmp_path)
    approve(project, "newsletter", NOW, who="lan")
    made = plan(project, "newsletter", NOW, commit=True)
    deliver(project, NOW)
    assert [None, None, made.occasion, made.occasion] == [
        _due(project, "newsletter", NOW + days * DAY) for days in (0, 13, 14, 60)
    ]
    assert "interim:2026-11-23" == report(project, "newsletter", NOW + DAY, send=False).occasion
    assert made.occasion == report(project, "newsletter", NOW + 14 * DAY, send=False).occasion


def test_no_window_is_passed_over(tmp_path: Path) -> None:
    """Two windows that closed between two looks are two reports, the older first, each with its own waterfall."""
    project = shop(tmp_path)
    approve(project, "newsletter", NOW, who="lan")
    for day, occasion in enumerate(("one", "two", "three")):
        plan(project, "newsletter", NOW + 2 * day * DAY, commit=True, occasion=occasion)
    now = NOW + 16 * DAY  # the third, which caps leave nobody to, is open until two days later
    for occasion in ("one", "two"):
        assert occasion == _due(project, "newsletter", now)
        shape = report(project, "newsletter", now)
        assert occasion == shape.occasion
        assert f"Plan of {occasion}." in Path(shape.text).read_text()
    assert _due(project, "newsletter", now) is None
    assert "two" == report(project, "newsletter", now).occasion
    assert 2 == len(_letters(project))
    assert "three" == _due(project, "newsletter", now + 2 * DAY)


def test_a_plan_that_nobody_released_is_not_reported(tmp_path: Path) -> None:
    """Nothing was sent, and no window opened."""
    project = shop(tmp_path)
    plan(project, "newsletter", NOW, commit=True)
    assert _due(project, "newsletter", NOW + 60 * DAY) is None
    assert "interim:2027-01-21" == report(project, "newsletter", NOW + 60 * DAY, send=False).occasion


def test_a_campaign_without_a_goal_has_a_report(tmp_path: Path) -> None:
    """Who fell away and what became of the messages; there is no result, and the report says what to add."""
    project = shop(tmp_path)
    path = project.root / "config" / "campaigns" / "newsletter.yaml"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("goal:")]
    path.write_text("\n".join(lines) + "\n")
    project = load_project(project.root)
    approve(project, "newsletter", NOW, who="lan")
    plan(project, "newsletter", NOW, commit=True)
    deliver(project, NOW)
    shape = answer(project, ReportShape, "report", "newsletter", "--at", (NOW + DAY).isoformat())
    assert ("interim:2026-11-23", OWNER, "accepted") == (shape.occasion, shape.sent_to, shape.state)
    text = Path(shape.text).read_text()
    assert "No result: the campaign has no goal" in text
    assert "Considered: " in text
    assert "messages were accepted by the provider" in text
    assert _due(project, "newsletter", NOW + 60 * DAY) is None


def test_days_and_weeks_are_those_of_the_shop(walk: Walk) -> None:
    """A campaign without a time zone of its own has the workspace's: Sunday evening in New York is not Monday."""
    assert (None, "America/New_York") == (
        walk.project.campaigns["win_back"].timezone,
        walk.project.settings.timezone,
    )
    sunday = datetime(2026, 12, 14, 3, tzinfo=UTC)
    shape = report(walk.project, "win_back", sunday)
    assert "2026-W50" == shape.occasion
    assert "As of December 13, 2026, 22:00 (America/New_York)" in Path(shape.text).read_text()
    evening = datetime(2026, 11, 24, 3, tzinfo=UTC)
    assert "interim:2026-11-23" == report(walk.project, "newsletter", evening, send=False).occasion


def test_before_anything_was_planned(tmp_path: Path) -> None:
    """A campaign that has not run has a report that says so."""
    shape = report(shop(tmp_path), "newsletter", NOW, send=False)
    assert "interim:2026-11-22" == shape.occasion
    assert Path(shape.text).read_text()
