"""`tidings airflow`: Airflow on this workspace, on loopback, on the machine's own clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tidings.clock import wall_clock
from tidings.demo.redate import redate
from tidings.demo.stage import Show, move_note, played_until, set_port, set_stage
from tidings.testing.smtp_sink import SmtpSink
from tidings.verbs.refresh import refresh

if TYPE_CHECKING:
    from tidings.airflow.standalone import Standalone

PORT = 8080


def run_airflow(root: Path, echo: Callable[[str], None] = print) -> None:
    """Bring the demo to today and keep Airflow in the foreground until it is interrupted.

    Without a demo the shop is built first, so that there is something to see.
    """
    from tidings.airflow.standalone import run_standalone

    today = wall_clock().date()
    end = played_until(root)
    if end is None:
        set_stage(root, Show(end=today), echo)
        end = today
    with SmtpSink(root / ".tidings" / "inbox") as sink:
        project = set_port(root, sink.port)
        if end != today:
            echo(f"moving the demo from {end} to today")
            redate(project, (today - end) // timedelta(days=1))
            move_note(root, today)
        refresh(project, project.now())
        run_standalone(root, port=PORT, ready=lambda airflow: _greet(airflow, echo))


def _greet(airflow: Standalone, echo: Callable[[str], None]) -> None:
    echo(f"Airflow is at {airflow.address}, user admin, password {airflow.password}; Ctrl-C stops it")
