"""`tidings demo`: the whole product on a demo shop, through Airflow and a real mail server on loopback."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

from tidings.demo.arrivals import count_arrivals
from tidings.demo.customers import DAYS
from tidings.demo.days import play
from tidings.demo.screen import closing_screen
from tidings.demo.stage import Show, closing_time, open_shop, set_clock, set_stage
from tidings.errors import TidingsError
from tidings.project import load_project
from tidings.testing.smtp_sink import SmtpSink
from tidings.verbs.report import report

CLOCK = "TIDINGS_CLOCK__AT"


class AirflowPlayer:
    """Every verb as a Dag run; business time reaches the tasks by the setting clock.at."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def refresh(self, now: datetime) -> None:
        """tidings__refresh."""
        self._run("tidings__refresh", now)

    def campaign(self, name: str, now: datetime) -> None:
        """campaign__<name>."""
        self._run(f"campaign__{name}", now)

    def tick(self, now: datetime) -> None:
        """tidings__tick."""
        self._run("tidings__tick", now)

    def report(self, now: datetime) -> None:
        """tidings__report."""
        self._run("tidings__report", now)

    def _run(self, dag_id: str, now: datetime) -> None:
        from tidings.airflow.local import run_dag_once

        run = run_dag_once(dag_id, now, self.root)
        if run.state != "success":
            raise TidingsError(f"{dag_id} ended {run.state} ({run.run_id})", "look into .airflow/logs")


def run_demo(root: Path, show: Show, echo: Callable[[str], None] = print) -> None:
    """Play the demo, or play it again; TidingsError where the mail server then has something twice."""
    inbox = root / ".tidings" / "inbox"
    if not set_stage(root, show, echo):
        echo("this demo has been played here before: running every day again; nothing may be sent twice")
    with SmtpSink(inbox) as sink:
        project = set_clock(root, show, sink.port)
        before = len(sink.accepted())
        with clock(show.history_end):
            open_shop(load_project(root), show)
        with progress() as done:
            play(project, show, AirflowPlayer(root), done)
        end = closing_time(show, project.settings.timezone)
        with clock(end):
            echo("the last refresh, by Airflow's own scheduler")
            refresh_by_scheduler(root)
            told = report(load_project(root), "newsletter", end, true_effect=show.effect)
        arrived = count_arrivals(project, sink.accepted(), before)
    closing_screen(project, show, end, told, inbox, arrived)


@contextmanager
def clock(now: datetime) -> Iterator[None]:
    """Business time for everything inside, child processes too."""
    before = os.environ.get(CLOCK)
    os.environ[CLOCK] = now.isoformat()
    try:
        yield
    finally:
        if before is None:
            del os.environ[CLOCK]
        else:
            os.environ[CLOCK] = before


def refresh_by_scheduler(root: Path) -> None:
    """One tidings__refresh by the real scheduler, in processes of its own; waits until it has succeeded."""
    from tidings.airflow.standalone import run_standalone

    run_standalone(root, wait_for=["tidings__refresh"])


@contextmanager
def progress() -> Iterator[Callable[[date], None]]:
    """A bar over the days on a terminal; one line a week elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("21 days through Airflow", total=DAYS)
        count = 0

        def done(day: date) -> None:
            nonlocal count
            count += 1
            bar.update(task, advance=1, description=f"21 days through Airflow, {day}")
            if not console.is_terminal and count % 7 == 0:
                console.print(f"{count} of {DAYS} days through Airflow, {day}")

        yield done
