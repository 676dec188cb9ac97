"""The demo itself: two of its days through Airflow and a real mail server, played twice."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from sqlalchemy import select

from tidings.demo.days import days, due_days, play
from tidings.demo.run import AirflowPlayer, clock
from tidings.demo.screen import samples
from tidings.demo.stage import Show, open_shop, set_clock, set_stage
from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.tables import attempts, messages
from tidings.project import Project, load_project
from tidings.testing.smtp_sink import SmtpSink


@dataclass(frozen=True)
class Played:
    """A demo of which only the first day and the newsletter's have been played, each twice."""

    project: Project
    inbox: Path
    first: list[str]
    second: list[str]


@pytest.fixture(scope="module")
def played(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The workspace of the repository, in a folder with a space in its name."""
    workspace = tmp_path_factory.mktemp("a demo")
    for folder in ("config", "segments", "templates", "dags"):
        ignored = shutil.ignore_patterns("local.yaml", "__pycache__")
        shutil.copytree(root / folder, workspace / folder, ignore=ignored)
    ignored = shutil.ignore_patterns("tidings", "__pycache__")
    shutil.copytree(root / "plugins", workspace / "plugins", ignore=ignored)
    show = Show(seed=3)
    assert set_stage(workspace, show, lambda _text: None)
    inbox = workspace / ".tidings" / "inbox"
    runs = []
    with SmtpSink(inbox) as sink:
        for _ in range(2):
            set_stage(workspace, show, lambda _text: None)
            project = set_clock(workspace, show, sink.port)
            with clock(show.history_end):
                open_shop(load_project(workspace), show)
            only = {show.first_day, *due_days(project, "newsletter", show)}
            play(project, show, AirflowPlayer(workspace), lambda _day: None, only=only)
            runs.append([entry["send_key"] for entry in sink.accepted()])
    return Played(load_project(workspace), inbox, *runs)


def test_played_twice_sends_once(played: Played) -> None:
    """Every day run again, over the same ledger: not one message more (R01, R11)."""
    assert len(played.first) > 2000
    assert played.second == played.first


def test_the_inbox_is_what_the_ledger_says(played: Played) -> None:
    """The server's own log and the ledger's accepted e-mails are the same messages, each once (R03, R17)."""
    with Ledger.open(played.project) as ledger, ledger.read() as connection:
        query = select(messages.c.send_key).where(messages.c.state == "accepted", messages.c.channel == "email")
        accepted = Counter(connection.execute(query).scalars())
    assert Counter(played.first) == accepted
    assert max(accepted.values()) == 1


def test_nobody_twice(played: Played) -> None:
    """No address got two messages of one campaign's occasion and step, whichever profile they came by (R01, R65)."""
    with Ledger.open(played.project) as ledger, ledger.read() as connection:
        columns = (messages.c.send_key, messages.c.campaign, messages.c.occasion, messages.c.step)
        where = {row.send_key: tuple(row[1:]) for row in connection.execute(select(*columns))}
    got = Counter()
    for path in played.inbox.rglob("*.eml"):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        got[(str(mail["To"]).lower(), where[str(mail["X-Tidings-Key"])])] += 1
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"  # R21
    assert set(got.values()) == {1}


def test_every_message_names_a_run_that_succeeded(played: Played) -> None:
    """Each attempt holds the dag_id and run_id of a Dag run that Airflow itself calls successful."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    with Ledger.open(played.project) as ledger, ledger.read() as connection:
        rows = connection.execute(select(attempts.c.dag_id, attempts.c.run_id).distinct())
        named = {(row.dag_id, row.run_id) for row in rows}
    with create_session() as session:
        succeeded = {(run.dag_id, run.run_id) for run in session.scalars(select(DagRun)) if run.state == "success"}
    assert {dag_id for dag_id, _ in named} >= {"campaign__newsletter", "campaign__win_back", "tidings__tick"}
    assert named <= succeeded


def test_a_sample_of_each_template(played: Played) -> None:
    """The last screen can show one message of every step that sent something."""
    found = samples(played.project, played.inbox)
    assert {"newsletter/letter", "win_back/miss_you", "second_order/thanks"} <= set(found)
    assert all(path.is_file() for path in found.values())


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
