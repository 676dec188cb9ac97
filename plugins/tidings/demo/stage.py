"""The demo's workspace: its shop, its clock, its approvals; kept apart from anything a company put there."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from tidings.clock import zone
from tidings.demo.customers import DAYS, write_baseline
from tidings.demo.shop import build_shop
from tidings.errors import TidingsError
from tidings.project import Project, load_project
from tidings.verbs.approve import approve
from tidings.verbs.refresh import refresh

END = date(2026, 11, 20)
NOTE = Path(".tidings/demo.json")
LOCAL = Path("config/local.yaml")
MARK = "# Written by the demo: its clock and its mail server. Delete it when the demo is over.\n"
OWNER = "demo@example.com"


@dataclass(frozen=True)
class Show:
    """What one demo is made of; the same values make the same demo. TidingsError for an effect that cannot be."""

    end: date = END
    effect: float = 0.08
    seed: int = 1
    bootstrap: int = 2

    def __post_init__(self) -> None:
        if not 0 <= self.effect < 1:
            fix = "give one from 0 to below 1, such as 0.08"
            raise TidingsError(f"an effect of {self.effect:g} is no rise of a share", fix)
        if self.bootstrap < 1:
            raise TidingsError(f"a household cannot be {self.bootstrap} customers", "give 1 or more; 2 is usual")

    @property
    def first_day(self) -> date:
        """The first simulated day; history ends when it begins."""
        return self.end - timedelta(days=DAYS)

    @property
    def history_end(self) -> datetime:
        """00:00 UTC of the first simulated day."""
        return datetime.combine(self.first_day, time(), UTC)

    @property
    def effects(self) -> dict[str, float]:
        """The true rise of the share that reaches each campaign's goal."""
        others = {"win_back": 0.05, "second_order": 0.08, "cross_sell_weekly": 0.03}
        return {"newsletter": self.effect} | others


def closing_time(show: Show, zone_name: str) -> datetime:
    """Noon of the last day in the shop's zone: the demo's clock when it is over."""
    return datetime.combine(show.end, time(12), zone(zone_name)).astimezone(UTC)


def set_stage(root: Path, show: Show, say: Callable[[str], None]) -> bool:
    """Make the workspace ready for the show; False where this very show has been played here already.

    Another demo's state is taken away first. TidingsError where `data/` or the ledger is not a demo's.
    """
    note = root / NOTE
    wanted = json.dumps(asdict(show), default=str, sort_keys=True)
    played = note.exists() and note.read_text() == wanted
    if not played:
        _clear(root, note)
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text("{}")  # what lies here is the demo's, should the building be stopped half-way
        say("building the demo shop from a year of real receipts")
        build_shop(root / "data", end=show.end, bootstrap=show.bootstrap)
        write_baseline(root / "data", show.history_end, show.seed)
        note.write_text(wanted)
    return not played


def set_clock(root: Path, show: Show, port: int) -> Project:
    """Point this machine's overlay at the mail server, and its clock at the end of the show."""
    now = closing_time(show, load_project(root).settings.timezone)
    (root / LOCAL).write_text(f'{MARK}clock: {{at: "{now.isoformat()}"}}\nproviders: {{smtp: {{port: {port}}}}}\n')
    return load_project(root)


def set_port(root: Path, port: int) -> Project:
    """Point this machine's overlay at the mail server and leave the clock to the machine."""
    (root / LOCAL).write_text(f"{MARK}providers: {{smtp: {{port: {port}}}}}\n")
    return load_project(root)


def is_demo(root: Path) -> bool:
    """Whether the workspace's data and state are the demo's."""
    return (root / NOTE).exists()


def last_day(root: Path) -> date | None:
    """The last day of the demo that stands here; None where there is none, or its building was stopped."""
    end = json.loads((root / NOTE).read_text()).get("end") if is_demo(root) else None
    return date.fromisoformat(end) if end else None


def move_note(root: Path, end: date) -> None:
    """Note that the demo's days were moved: the next `make demo` then starts afresh."""
    note = root / NOTE
    note.write_text(json.dumps(json.loads(note.read_text()) | {"end": str(end), "moved": True}, sort_keys=True))


def open_shop(project: Project, show: Show) -> None:
    """The first refresh, with persons numbered by the seed so that a show can be played again, and the approvals."""
    rng = random.Random(f"persons {show.seed}")
    now = show.history_end
    refresh(project, now, new_key=lambda: f"{rng.getrandbits(128):032x}")
    for campaign in project.campaigns.values():
        if campaign.status == "live" and campaign.approval != "none":
            approve(project, campaign.campaign, now, who=OWNER, comment="approved before the demo began")


def _clear(root: Path, note: Path) -> None:
    """Take away another demo's state, and nothing else."""
    state, data = root / ".tidings", root / "data"
    ours = note.exists()
    for folder in (state / "ledger.db", data):
        if folder.exists() and not ours:
            place = folder.relative_to(root)
            raise TidingsError(f"{place} is not the demo's", "run the demo in a clone of its own, or move it away")
    for folder in (data, root / ".airflow", state):  # the note last
        shutil.rmtree(folder, ignore_errors=True)
