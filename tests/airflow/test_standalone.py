"""One evening of a real Airflow: its scheduler, its API server, task processes of their own, and people's answers.

It is one test because starting Airflow takes half a minute; each part of it is a function that says what holds.
"""

from __future__ import annotations

import os
import random
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import policy
from email.parser import BytesParser
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import select, update

from tests.airflow.conftest import NOW, addresses, build_workspace, send_to
from tests.waiting import wait_until
from tidings.airflow.rest import Airflow
from tidings.airflow.standalone import COMPONENTS, Standalone, run_standalone
from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.tables import approvals, attempts, messages, snapshots
from tidings.project import load_project
from tidings.testing.smtp_sink import SmtpFault, SmtpSink
from tidings.verbs.plan import plan

pytestmark = pytest.mark.long

BATCH = 100
SEED = 20261103
LETTERS, WANTED, UNWANTED = ("campaign__letters", "campaign__wanted", "campaign__unwanted")
YAML = """campaign: {name}
title: A letter
aim: care
status: live
owner: lan@example.com
topic: newsletter
schedule: "0 8 * * 2"
audience: {{include: {segment}}}
goal: {{event: order, within: 7d}}
approval: {approval}
steps:
  - {{send: email, template: newsletter/weekly, expires: 1d}}
"""
CAMPAIGNS = (
    ("letters", "newsletter_readers", "none"),
    ("wanted", "first_time", "plan"),
    ("unwanted", "first_time", "definition"),
)
VARIABLES = {
    "TIDINGS_CLOCK__AT": NOW.isoformat(),
    "AIRFLOW__TIDINGS__RETRIES": "6",
    "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
}


@contextmanager
def shop(folder: Path) -> Iterator[tuple[Path, SmtpSink]]:
    """A shop of 720, three campaigns of which two ask first, and a mail server."""
    root = build_workspace(folder / "a shop", customers=720)
    for name, segment, approval in CAMPAIGNS:
        text = YAML.format(name=name, segment=segment, approval=approval)
        (root / f"config/campaigns/{name}.yaml").write_text(text)
    with (root / "config/local.yaml").open("a") as settings:
        settings.write("caps: {email: {max: 9, within: 7d}}\n")
    with SmtpSink(root / ".tidings" / "inbox") as sink:
        send_to(root, sink)
        yield root, sink


def found(root: Path, query: Any) -> list[Any]:
    """What a query finds in the ledger."""
    with Ledger.open(load_project(root)) as ledger, ledger.read() as connection:
        return list(connection.execute(query))


def messages_of(root: Path, campaign: str) -> Counter[str]:
    """A campaign's messages by state."""
    return Counter(row.state for row in found(root, select(messages.c.state).where(messages.c.campaign == campaign)))


def kill_points(root: Path) -> list[str]:
    """An address out of each of the first five batches, in the order in which they will be claimed."""
    project = load_project(root)
    plan(project, "letters", NOW, commit=True)
    query = select(messages.c.customer_id).where(messages.c.campaign == "letters", messages.c.state == "planned")
    customers = [row.customer_id for row in found(root, query.order_by(messages.c.id))]
    assert len(customers) > 4 * BATCH
    emails = addresses(root)["email"]
    draw = random.Random(SEED)
    batches = [customers[start : start + BATCH] for start in range(0, 5 * BATCH, BATCH)]
    return [str(emails[draw.choice(batch)]) for batch in batches]


def task(api: Airflow, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
    """One task of a run, as Airflow's API shows it."""
    return next(one for one in api.tasks(dag_id, run_id) if one["task_id"] == task_id)


def finish(airflow: Standalone, dag_id: str, run_id: str) -> None:
    """Wait until a run has ended well."""
    airflow.wait(lambda: airflow.api.state(dag_id, run_id) in ("success", "failed"), 240, f"{run_id} has not ended")
    assert airflow.api.state(dag_id, run_id) == "success", airflow.api.tasks(dag_id, run_id)


def has_got(sink: SmtpSink, address: str) -> bool:
    """Whether the mail server has kept a message to the address."""
    return any(address in entry["to"] for entry in sink.accepted())


def kill_and_let_airflow_retry(root: Path, sink: SmtpSink, airflow: Standalone, points: list[str], run_id: str) -> None:
    """Each time the mail server has kept a marked message and not yet said so, the sending process is killed."""
    api = airflow.api
    for number, address in enumerate(points, start=1):
        kept = partial(has_got, sink, address)
        wait_until(kept, 240, every=0.1, what=f"the message to kill number {number} at")
        deliver = task(api, LETTERS, run_id, "deliver")
        assert deliver["try_number"] == number
        os.kill(deliver["pid"], signal.SIGKILL)
    finish(airflow, LETTERS, run_id)
    assert task(api, LETTERS, run_id, "deliver")["try_number"] == len(points) + 1
    sink.faults = {}


def nothing_twice_and_nothing_lost(root: Path, sink: SmtpSink, run_id: str, planned: int) -> None:
    """No key and no recipient twice; every message accepted or, at the kills, in doubt: R01, R02, R04, R05, R14."""
    arrived = [BytesParser(policy=policy.default).parsebytes(path.read_bytes()) for path in sink.messages()]
    keys = [str(message["X-Tidings-Key"]) for message in arrived]
    query = select(messages.c.send_key, messages.c.state, messages.c.person_key, messages.c.occasion, messages.c.step)
    known = {row.send_key: row for row in found(root, query.where(messages.c.campaign == "letters"))}
    letters = [(key, str(message["To"])) for key, message in zip(keys, arrived, strict=True) if key in known]
    assert len({key for key, _ in letters}) == len(letters)
    assert len({(to, known[key].occasion, known[key].step) for key, to in letters}) == len(letters)
    states = messages_of(root, "letters")
    assert states == {"accepted": states["accepted"], "in_doubt": states["in_doubt"]}
    assert states.total() == planned
    assert 5 <= states["in_doubt"] <= 5 * BATCH
    accepted = {key for key, row in known.items() if row.state == "accepted"}
    assert accepted <= {key for key, _ in letters}
    tried = select(attempts.c.message_id, attempts.c.dag_id, attempts.c.run_id)
    rows = found(root, tried.where(attempts.c.dag_id == LETTERS))
    assert {row.run_id for row in rows} == {run_id}
    assert len({row.message_id for row in rows}) == len(rows) == planned


def the_dead_are_settled(root: Path, airflow: Standalone) -> None:
    """Once their lease is over, a tick moves what a dead process was sending to in doubt, never back to planned."""
    with Ledger.open(load_project(root)) as ledger, ledger.write() as connection:
        # The lease counts on the database's own clock, which no test can turn: its five minutes are over.
        connection.execute(update(messages).where(messages.c.state == "sending").values(lease_until=0))
    run_id = airflow.run("tidings__tick")
    # The first unpausing has started a run of the clock as well, and that one may have been there before.
    assert task(airflow.api, "tidings__tick", run_id, "tick")["state"] in ("success", "skipped")
    assert airflow.api.paused("tidings__tick")


def clearing_sends_nothing(root: Path, sink: SmtpSink, airflow: Standalone, runs: dict[str, str]) -> None:
    """Every task runs once more, in a run that asked nobody and in one that did: no message more, no question (R11)."""
    before, asked = len(sink.accepted()), found(root, select(approvals))
    tries = {dag_id: {one["task_id"]: one["try_number"] for one in airflow.api.tasks(dag_id, runs[dag_id])}
             for dag_id in (LETTERS, WANTED)}  # fmt: skip
    assert tries[WANTED].keys() == {"check", "plan", "approve", "deliver", "measure"}
    for dag_id, tasks in tries.items():
        clear = {"dry_run": False, "dag_run_id": runs[dag_id], "task_ids": list(tasks), "only_failed": False}
        airflow.api.call("POST", f"dags/{dag_id}/clearTaskInstances", json=clear)
    for dag_id, tasks in tries.items():
        finish(airflow, dag_id, runs[dag_id])
        again = {one["task_id"]: one["try_number"] for one in airflow.api.tasks(dag_id, runs[dag_id])}
        assert [name for name in tasks if again[name] <= tasks[name]] == []
    assert len(sink.accepted()) == before
    assert found(root, select(approvals)) == asked


def answer(airflow: Standalone, dag_id: str, run_id: str, option: str) -> str:
    """Wait for the question, answer it as the user of the UI does; what was asked."""
    path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/approve/-1/hitlDetails"
    api = airflow.api
    airflow.wait(lambda: task(api, dag_id, run_id, "approve")["state"] == "awaiting_input", 240, "nobody was asked")
    asked = api.call("GET", path)

    def answered() -> bool:
        """Airflow on SQLite may answer 500 while another process writes, whether the answer took effect or not."""
        if not (said := api.call("GET", path))["response_received"]:
            with suppress(TidingsError):
                api.call("PATCH", path, json={"chosen_options": [option], "params_input": {}})
        return bool(said["chosen_options"] == [option])

    wait_until(answered, 120, every=1, what=f"the answer {option} to {dag_id}")
    return f"{asked['subject']}\n{asked['body']}"


def a_person_decides(root: Path, airflow: Standalone, runs: dict[str, str]) -> None:
    """Either is recorded under its user's name; a yes releases the plan, after a no nothing of it is sent."""
    said = answer(airflow, WANTED, runs[WANTED], "Approve")
    answer(airflow, UNWANTED, runs[UNWANTED], "Reject")
    for dag_id in (WANTED, UNWANTED):
        finish(airflow, dag_id, runs[dag_id])
    assert "@" not in said
    assert f"Send {messages_of(root, 'wanted').total()} messages of wanted" in said
    assert set(messages_of(root, "wanted")) == {"accepted"}
    assert messages_of(root, "unwanted") == {}
    said_by = {(row.campaign, row.kind, row.who) for row in found(root, select(approvals))}
    assert said_by == {("wanted", "plan", "admin"), ("unwanted", "rejected", "admin")}
    skipped = {one["task_id"]: one["state"] for one in airflow.api.tasks(UNWANTED, runs[UNWANTED])}
    assert (skipped["approve"], skipped["deliver"], skipped["measure"]) == ("skipped", "skipped", "skipped")


def backfills_are_refused(airflow: Standalone) -> None:
    """Airflow itself answers that this Dag allows none."""
    days = {"from_date": "2026-10-01T00:00:00Z", "to_date": "2026-10-31T00:00:00Z"}
    with pytest.raises(TidingsError, match="does not allow backfill"):
        airflow.api.call("POST", "backfills", json={"dag_id": LETTERS, **days})


def family(airflow: Standalone) -> list[psutil.Process]:
    """This process's children, and theirs: all of Airflow."""
    return psutil.Process().children(recursive=True)


def only_loopback_is_listened_on(airflow: Standalone) -> None:
    """Of all its processes, only the API server listens, and only on 127.0.0.1."""
    sockets = [one for process in family(airflow) for one in process.net_connections("tcp") if one.status == "LISTEN"]
    assert {(one.laddr.ip, one.laddr.port) for one in sockets} == {("127.0.0.1", airflow.port)}


def nobody_is_named(root: Path) -> None:
    """Airflow's database and its logs on disk hold no customer's address (R53)."""
    kept = b"".join(path.read_bytes() for path in (root / ".airflow").rglob("*") if path.is_file())
    assert b"campaign__letters" in kept
    assert [email for email in addresses(root)["email"].dropna() if email.encode() in kept] == []


def it_has_refreshed(root: Path, before: int) -> None:
    """In a process of its own, which has the time that it was told."""
    made = [row.as_of for row in found(root, select(snapshots))]
    assert made == [NOW] * (before + 1)


def test_an_evening_of_a_real_airflow(tmp_path: Path) -> None:  # R01 R02 R04 R05 R11 R14 R53
    """Killed five times and cleared whole, it sends nothing twice and loses nothing; people are asked.

    In the end it refreshes, as the demo has it do, and all of it is gone.
    """
    processes: list[psutil.Process] = []
    with shop(tmp_path) as (root, sink):
        points = kill_points(root)
        sink.faults = dict.fromkeys(points, SmtpFault.SILENT_AFTER_BODY)
        planned = messages_of(root, "letters").total()

        def play(airflow: Standalone) -> None:
            only_loopback_is_listened_on(airflow)
            for dag_id in (LETTERS, WANTED, UNWANTED):
                airflow.wait(lambda dag_id=dag_id: airflow.api.knows(dag_id), 120, f"{dag_id} was not read")
                airflow.api.pause(dag_id, paused=False)
            runs = {dag_id: airflow.api.trigger(dag_id) for dag_id in (LETTERS, WANTED, UNWANTED)}
            kill_and_let_airflow_retry(root, sink, airflow, points, runs[LETTERS])
            a_person_decides(root, airflow, runs)
            the_dead_are_settled(root, airflow)
            nothing_twice_and_nothing_lost(root, sink, runs[LETTERS], planned)
            clearing_sends_nothing(root, sink, airflow, runs)
            backfills_are_refused(airflow)
            nobody_is_named(root)
            processes.extend(family(airflow))

        before = len(found(root, select(snapshots)))
        runs = run_standalone(root, wait_for=["tidings__refresh"], variables=VARIABLES, ready=play)
        assert list(runs) == ["tidings__refresh"]
        it_has_refreshed(root, before)
    assert len(processes) > len(COMPONENTS)
    assert [process for process in processes if process.is_running() and process.status() != "zombie"] == []


def test_a_taken_port_is_said_before_anything_starts(tmp_path: Path) -> None:
    """Airflow's API server would stop, and the rest sit there without it."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(TidingsError, match=f"the port {port} is taken"):
            run_standalone(tmp_path, port=port)
    assert list(tmp_path.rglob("*.log")) == []
