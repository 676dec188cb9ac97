"""The last screen: who got what and why not, the effect found beside the effect given, and where to look."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tidings.demo.arrivals import Arrivals
from tidings.demo.stage import Show
from tidings.errors import TidingsError
from tidings.ledger import messages, plans
from tidings.ledger.database import Ledger
from tidings.model.counts import Estimate, PlanCounts, ReportShape
from tidings.project import Project
from tidings.reports.reasons import in_gate_order, reason_sentence
from tidings.testing.smtp_sink import LOG
from tidings.verbs.measure import measure

WIDTH = 80
SHOWN = 10


def closing_screen(
    project: Project,
    show: Show,
    end: datetime,
    told: ReportShape,
    inbox: Path,
    arrived: Arrivals,
    console: Console | None = None,
) -> None:
    """Print it; readable at 80 columns and without colour. TidingsError after it where something arrived twice."""
    out = console or Console(width=None if Console().is_terminal else WIDTH)
    for name in sorted(project.campaigns):
        out.print(_waterfall(project, name))
    out.print(_lift(project, show, end))
    out.print(f"\n{arrived.new:,} messages arrived in the inbox in this run, {arrived.messages:,} in all.")
    out.print(_twice(arrived))
    out.print(f"\n[bold]The inbox[/bold]  {_shown(project, inbox)}")
    for template, path in sorted(samples(project, inbox).items()):
        out.print(f"  {template}\n    {_shown(project, path)}", soft_wrap=True)
    out.print(f"[bold]The report[/bold]  mailed to {told.sent_to}: {told.state}")
    out.print(f"    {_shown(project, Path(told.html))}", soft_wrap=True)
    out.print("\nNext: `tidings plan win_back`, `tidings why H0001-2 win_back` or `make airflow`.", soft_wrap=True)
    if arrived.twice:
        raise TidingsError(f"{len(arrived.twice)} keys or recipients have something twice", f"look into {inbox / LOG}")


def samples(project: Project, inbox: Path) -> dict[str, Path]:
    """campaign/step → one message of it in the inbox or outbox."""
    found: dict[str, Path] = {}
    files = {path.stem.rsplit("-", 1)[-1]: path for path in inbox.rglob("*.eml")}
    files |= {path.stem: path for path in (project.state / "outbox").rglob("*.*")}
    with Ledger.open(project) as ledger, ledger.read() as connection:
        for name in project.campaigns:
            for row in messages.accepted_keys(connection, name):
                if row.send_key in files:
                    found.setdefault(f"{name}/{row.step}", files[row.send_key])
    return found


def _waterfall(project: Project, name: str) -> Table | str:
    """The plan that planned the most, every no with its reason; and what became of all messages of the campaign."""
    with Ledger.open(project) as ledger, ledger.read() as connection:
        made = [
            (row.occasion, PlanCounts.model_validate(plans.counts_of(row)))
            for row in plans.list_plans(connection, name)
        ]
        states = messages.states(connection, name)
    if not made:
        return f"[italic]{name}: no plan yet[/italic]"
    occasion, counts = max(made, key=lambda one: one[1].planned)
    title = f"{name}: the plan of {occasion}" + (f", the fullest of {len(made)}" if len(made) > 1 else "")
    table = Table(title=title, title_justify="left", show_header=False, min_width=WIDTH)
    table.add_column(ratio=1)
    table.add_column(justify="right")
    table.add_row("people considered", f"{counts.considered:,}")
    for code, number in in_gate_order(counts.reasons):
        table.add_row(f"  no: {reason_sentence(code, 'en')}", f"{number:,}")
    table.add_row("held out, so that the effect can be measured", f"{counts.withheld:,}")
    table.add_row("planned", f"{counts.planned:,}")
    told = ", ".join(f"{number:,} {state.replace('_', ' ')}" for state, number in sorted(states.items()))
    table.caption = f"all messages of the campaign in 21 days: {told}"
    return table


def _lift(project: Project, show: Show, end: datetime) -> Table:
    title = "What the campaigns caused: the rise of the share of people who reach the goal"
    table = Table(title=title, title_justify="left", min_width=WIDTH)
    for heading in ("campaign", "people", "found", "95 % interval", "truth"):
        table.add_column(heading, justify="left" if heading == "campaign" else "right")
    for name, truth in show.effects.items():
        measured = measure(project, name, end)
        table.add_row(name, f"{measured.matured:,}", *_estimate(measured.conversion_lift), f"{truth * 100:+.1f} %")
    return table


def _twice(arrived: Arrivals) -> str:
    if not arrived.twice:
        return "None came twice, by send key as by recipient × campaign × occasion × step."
    return "[bold]CAME TWICE[/bold]\n" + "\n".join(f"  {escape(what)}" for what in arrived.twice[:SHOWN])


def _estimate(estimate: Estimate | None) -> tuple[str, str]:
    if estimate is None:
        return "not yet", "no window has closed"
    value, low, high = (number * 100 for number in (estimate.value, estimate.low, estimate.high))
    return f"{value:+.1f} %", f"{low:+.1f} to {high:+.1f} %"


def _shown(project: Project, path: Path) -> str:
    return str(path.relative_to(project.root)) if path.is_relative_to(project.root) else str(path)
