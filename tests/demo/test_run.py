"""The demo itself: two of its days through Airflow and a real mail server, and the second of them again."""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import dataclass
from email import policy
from email.parser import BytesHeaderParser
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import Row, select

from tests.demo.conftest import copy_workspace
from tidings.demo.arrivals import Arrivals, count_arrivals
from tidings.demo.days import days, due_days, play
from tidings.demo.run import AirflowPlayer, clock
from tidings.demo.screen import closing_screen, samples
from tidings.demo.stage import Show, closing_time, open_shop, set_clock, set_stage
from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.tables import assignments, attempts, messages, plans
from tidings.model.counts import PlanCounts
from tidings.project import Project, load_project
from tidings.testing.smtp_sink import SmtpSink
from tidings.verbs.report import report

pytestmark = pytest.mark.long


@dataclass(frozen=True)
class Played:
    """A demo of which only the first day and the newsletter's have been played, the newsletter's twice."""

    show: Show
    project: Project
    inbox: Path
    first: list[str]
    second: list[str]
    log: list[dict[str, Any]]
    messages: dict[str, Row[Any]]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The workspace of the repository, in a folder with a space in its name."""
    workspace = copy_workspace(tmp_path_factory.mktemp("a demo"))
    show = Show(seed=3, bootstrap=1)
    assert set_stage(workspace, show, lambda _text: None)
    inbox = workspace / ".tidings" / "inbox"
    runs = []
    with SmtpSink(inbox) as sink:
        for again in (False, True):
            set_stage(workspace, show, lambda _text: None)
            project = set_clock(workspace, show, sink.port)
            with clock(show.history_end):
                open_shop(load_project(workspace), show)
            only = {*due_days(project, "newsletter", show)} | (set() if again else {show.first_day})
            play(project, show, AirflowPlayer(workspace), lambda _day: None, only=only)
            runs.append([entry["send_key"] for entry in sink.accepted()])
        log = sink.accepted()
    with Ledger.open(project) as ledger, ledger.read() as connection:
        rows = {row.send_key: row for row in connection.execute(select(messages))}
    return Played(show, load_project(workspace), inbox, *runs, log, rows)


def test_played_twice_sends_once(played: Played) -> None:
    """A day run again, over the same ledger: not one message more (R01, R11)."""
    assert len(played.first) > 1000
    assert played.second == played.first


def test_the_inbox_is_what_the_ledger_says(played: Played) -> None:
    """The server's own log and the ledger's accepted e-mails are the same messages, each once (R03, R17)."""
    with Ledger.open(played.project) as ledger, ledger.read() as connection:
        query = select(messages.c.send_key).where(messages.c.state == "accepted", messages.c.channel == "email")
        accepted = Counter(connection.execute(query).scalars())
    assert Counter(played.first) == accepted
    assert max(accepted.values()) == 1


def test_nobody_twice(played: Played) -> None:
    """No address and no person got two messages of one occasion and step, whichever profile they came by (R01, R65)."""
    addresses, persons = Counter(), Counter()
    for path in played.inbox.rglob("*.eml"):
        with path.open("rb") as file:
            mail = BytesHeaderParser(policy=policy.default).parse(file)
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"  # R21
        message = played.messages[str(mail["X-Tidings-Key"])]
        place = (message.campaign, message.occasion, message.step)
        addresses[(str(mail["To"]).lower(), *place)] += 1
        persons[(message.person_key, *place)] += 1
    assert len(addresses) == len(played.first)
    assert set(addresses.values()) == set(persons.values()) == {1}


def test_what_comes_twice_is_seen(played: Played) -> None:
    """By its key; or by recipient, occasion and step, under another key and in other letters."""
    all_of_them = count_arrivals(played.project, played.log, before=100)
    assert all_of_them == Arrivals(messages=len(played.log), new=len(played.log) - 100, twice=[])
    one, other = [entry for entry in played.log if played.messages[entry["send_key"]].campaign == "newsletter"][:2]
    place = f"{one['to'][0].lower()} · newsletter · 2026-11-03 · letter: 2 times"
    twice = count_arrivals(played.project, [one, other, one], before=2).twice
    assert twice == [f"the key {one['send_key']}: 2 times", place]
    shouted = other | {"to": [one["to"][0].upper()]}
    assert count_arrivals(played.project, [one, shouted], before=0).twice == [place]


def test_every_message_names_a_run_that_succeeded(played: Played) -> None:
    """Each one the mail server has was tried once, in a run of its campaign or of the tick that ended well."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    with Ledger.open(played.project) as ledger, ledger.read() as connection:
        tried = connection.execute(select(attempts).order_by(attempts.c.message_id)).all()
    with create_session() as session:
        succeeded = {(run.dag_id, run.run_id) for run in session.scalars(select(DagRun)) if run.state == "success"}
    by_message = {attempt.message_id: (attempt.dag_id, attempt.run_id) for attempt in tried}
    assert len(by_message) == len(tried)
    arrived = [played.messages[key] for key in played.first]
    assert {by_message[message.id] for message in arrived} <= succeeded
    dags = Counter((message.campaign, by_message[message.id][0]) for message in arrived)
    assert {dag for _, dag in dags} >= {"campaign__newsletter", "campaign__win_back", "tidings__tick"}
    assert [pair for pair in dags if pair[1] not in (f"campaign__{pair[0]}", "tidings__tick")] == []


def test_a_sample_of_each_template(played: Played) -> None:
    """The last screen can show one message of every step that sent something, and it is one of that step."""
    found = samples(played.project, played.inbox)
    accepted = [message for message in played.messages.values() if message.state == "accepted"]
    assert set(found) == {f"{message.campaign}/{message.step}" for message in accepted}
    assert {"newsletter/letter", "win_back/miss_you", "second_order/thanks"} <= set(found)
    for name, path in found.items():
        message = next(message for message in accepted if message.send_key in path.name)
        assert f"{message.campaign}/{message.step}" == name
        assert path.is_file()


def test_a_quarter_of_the_readers_is_held_out(played: Played) -> None:
    """25 % of the newsletter's people, so that its interval means something; the control group got nothing of it."""
    assert played.project.campaigns["newsletter"].holdout.share == 0.25
    with Ledger.open(played.project) as ledger, ledger.read() as connection:
        drawn = connection.execute(select(assignments).where(assignments.c.campaign == "newsletter")).all()
    control = {row.person_key for row in drawn if row.arm == "control"}
    assert len(control) / len(drawn) == pytest.approx(0.25, abs=0.035)
    sent = {m.person_key for m in played.messages.values() if m.campaign == "newsletter" and m.state != "withheld"}
    assert not control & sent


def test_the_inbox_stays_under_200_megabytes(played: Played) -> None:
    """As many e-mails as 21 days can bring, each as large as these are on average.

    A broadcast goes out on each of its days, to as many as here or as its limit lets through; of a flow, whoever was
    there on the first day gets every e-mail, and a tenth more come later.
    """
    sizes = [path.stat().st_size for path in played.inbox.rglob("*.eml")]
    fullest = Counter()
    with Ledger.open(played.project) as ledger, ledger.read() as connection:
        for plan in connection.execute(select(plans).where(plans.c.counts.is_not(None))):
            planned = PlanCounts.model_validate_json(plan.counts).planned
            fullest[plan.campaign] = max(fullest[plan.campaign], planned)
    usual = Show().bootstrap / played.show.bootstrap  # customers where here is one
    expected = 0.0
    for name, campaign in played.project.campaigns.items():
        letters = sum("email" in step.channels for step in campaign.send_steps)
        if campaign.audience.enter == "on_entry":
            expected += 1.1 * letters * usual * fullest[name]
        else:
            expected += len(due_days(played.project, name, played.show)) * (
                campaign.limits.per_run or usual * fullest[name]
            )
    assert expected > 4000
    assert expected * mean(sizes) < 200e6


def test_the_last_screen(played: Played) -> None:
    """Who got what and why not, the lift with its interval beside the truth, where to look; on 80 columns."""
    screen = Screen(played, played.log)
    assert [line for line in screen.lines if len(line) > 80] == []
    for name in played.project.campaigns:
        assert [line for line in screen.lines if line.startswith(f"{name}: ")], name
    for considered, *parts in screen.waterfalls():
        assert considered == sum(parts) > 2000
    found = r"│ {0} +│ +[\d,]+ │ +(\S+) % │ +(\S+) to (\S+) % │ +(\S+) % │"
    for name, truth in played.show.effects.items():
        if name != "cross_sell_weekly":  # was not due on the days that were played
            value, low, high, told = map(float, re.search(found.format(name), screen.text).groups())
            assert low < value < high
            assert told == pytest.approx(100 * truth)
    assert f"{len(played.log):,} messages arrived in the inbox in this run" in screen.text
    assert "None came twice" in screen.text
    paths = [line.strip() for line in screen.lines if line.startswith("    .tidings/")]
    assert len(paths) == 4
    assert all((played.project.root / path).is_file() for path in paths)
    assert screen.error is None


def test_the_last_screen_says_what_came_twice(played: Played) -> None:
    """And the command ends with an error."""
    screen = Screen(played, [*played.log, played.log[-1]])
    assert "None came twice" not in screen.text
    assert f"  the key {played.log[-1]['send_key']}: 2 times" in screen.lines
    assert isinstance(screen.error, TidingsError)
    assert "something twice" in str(screen.error)


class Screen:
    """What the last screen shows where the mail server's log is `log`, and how it ends."""

    def __init__(self, played: Played, log: list[dict[str, Any]]) -> None:
        end = closing_time(played.show, played.project.settings.timezone)
        told = report(played.project, "newsletter", end, send=False, true_effect=played.show.effect)
        arrived = count_arrivals(played.project, log, before=0)
        file = io.StringIO()
        self.error: TidingsError | None = None
        try:
            closing_screen(played.project, played.show, end, told, played.inbox, arrived, Console(file=file, width=80))
        except TidingsError as error:
            self.error = error
        self.text = file.getvalue()
        self.lines = self.text.splitlines()

    def waterfalls(self) -> list[list[int]]:
        """Of each campaign that has a plan: people considered, each no, held out, planned."""
        rows = [re.fullmatch(r"│ (.+?) +│ +([\d,]+) │", line) for line in self.lines]
        found: list[list[int]] = []
        for row in filter(None, rows):
            if row[1] == "people considered":
                found.append([])
            found[-1].append(int(row[2].replace(",", "")))
        return found


def test_what_is_not_the_demos_stays(tmp_path: Path) -> None:
    """A workspace with data of its own is refused before anything is touched."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "customers.csv").write_text("customer_id\n1\n")
    with pytest.raises(TidingsError, match="not the demo's"):
        set_stage(tmp_path, Show(), lambda _text: None)
    assert (data / "customers.csv").read_text() == "customer_id\n1\n"


def test_the_days_are_twenty_one() -> None:
    """History ends where the simulated days begin."""
    show = Show()
    assert len(list(days(show))) == 21
    assert next(days(show)) == show.first_day == show.history_end.date()
