"""`tidings airflow`: Airflow on this workspace, on loopback, on the machine's own clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import date
from pathlib import Path

from tidings.clock import wall_clock
from tidings.demo.redate import redate
from tidings.demo.stage import Show, is_demo, last_day, move_note, set_port, set_stage
from tidings.project import Project
from tidings.testing.smtp_sink import SmtpSink
from tidings.verbs.refresh import refresh


def run_airflow(root: Path, echo: Callable[[str], None], *, port: int, demo: bool = False) -> None:
    """Keep Airflow in the foreground on the workspace as it is, until it is interrupted; `port` 0 takes a free one.

    A demo that was played there is brought to today first; with `demo` the shop is built where there is none.
    """
    from tidings.airflow.standalone import Standalone, refuse_taken_port, run_standalone

    def greet(airflow: Standalone) -> None:
        echo(f"Airflow is at {airflow.address}, user admin, password {airflow.password}; Ctrl-C stops it")

    refuse_taken_port(port)
    with demo_today(root, wall_clock().date(), echo) if demo or is_demo(root) else nullcontext():
        run_standalone(root, port=port, ready=greet)


@contextmanager
def demo_today(root: Path, today: date, echo: Callable[[str], None]) -> Iterator[Project]:
    """The demo, its days moved so that it ends today, refreshed, with its mail server; built where there is none.

    One that ends after today is built anew: moved back, its occasions would be called after days to come.
    """
    end = last_day(root)
    if end is None or end > today:
        if end is not None:
            echo(f"the demo ends on {end}, which is yet to come: it starts afresh")
        set_stage(root, Show(end=today), echo)
        end = today
    with SmtpSink(root / ".tidings" / "inbox") as sink:
        project = set_port(root, sink.port)
        if end != today:
            echo(f"moving the demo from {end} to {today}")
            move_note(root, end)  # before anything moves: stopped half-way, this is no demo to be played again
            redate(project, end, today)
            move_note(root, today)
        refresh(project, project.now())
        yield project
