"""Does the newsletter's interval tell the truth? The demo over many seeds, without Airflow and SMTP for speed.

Every seed draws other arms and other customers' behaviour on the same shop. The same verbs run as in the demo, on the
days on which the newsletter is involved; messages go to the outbox. Prints a table and exits 1 where the interval
misses the true effect in more than 3 of 20 seeds, finds nothing in more than 4 at the default effect, or finds
something in more than 3 where there is nothing to find.

    make soak-demo            # 20 seeds, EFFECT 0.08 and 0
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from tidings.demo.customers import write_baseline
from tidings.demo.days import days, due_days, play
from tidings.demo.shop import build_shop
from tidings.demo.stage import Show, closing_time, open_shop
from tidings.model.counts import Estimate
from tidings.project import Project, load_project
from tidings.verbs.deliver import deliver
from tidings.verbs.measure import measure
from tidings.verbs.plan import plan
from tidings.verbs.refresh import refresh
from tidings.verbs.tick import tick

ROOT = Path(__file__).resolve().parent.parent
WORKSPACE = ("config", "segments", "templates")
CAMPAIGN = "newsletter"


class VerbPlayer:
    """The verbs called directly, as the Dags' tasks call them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def refresh(self, now: datetime) -> None:
        """A new snapshot."""
        refresh(load_project(self.root), now)

    def campaign(self, name: str, now: datetime) -> None:
        """plan and deliver the newsletter; measuring comes at the end, and the other campaigns rest."""
        if name != CAMPAIGN:
            return
        project = load_project(self.root)
        made = plan(project, name, now, commit=True)
        deliver(project, now, plan_id=made.plan_id)

    def tick(self, now: datetime) -> None:
        """advance, deliver, settle, expire."""
        tick(load_project(self.root), now)

    def report(self, now: datetime) -> None:
        """Nobody reads the reports of a soak."""


@dataclass(frozen=True)
class Found:
    """What one seed's newsletter measured."""

    seed: int
    effect: float
    people: int
    estimate: Estimate

    @property
    def holds(self) -> bool:
        """Whether the interval holds the true effect."""
        return self.estimate.low <= self.effect <= self.estimate.high

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval says that there was an effect."""
        return self.estimate.low > 0 or self.estimate.high < 0


def run(shop: Path, effect: float, seed: int) -> Found:
    """One demo in a folder of its own."""
    warnings.simplefilter("ignore")
    show = Show(effect=effect, seed=seed)
    with tempfile.TemporaryDirectory(prefix="tidings-soak-") as name:
        root = Path(name)
        for folder in WORKSPACE:
            shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("local.yaml"))
        shutil.copytree(ROOT / "plugins", root / "plugins", ignore=shutil.ignore_patterns("tidings", "__pycache__"))
        shutil.copytree(shop, root / "data", copy_function=_link)
        (root / "config" / "local.yaml").write_text("channels: {email: {providers: [outbox]}}\n")
        write_baseline(root / "data", show.history_end, seed)
        project = load_project(root)
        open_shop(project, show)
        play(project, show, VerbPlayer(root), lambda _day: None, only=newsletter_days(project, show))
        result = measure(load_project(root), CAMPAIGN, closing_time(show, project.settings.timezone))
        if result.conversion_lift is None:
            raise SystemExit(f"seed {seed}: no window of the {CAMPAIGN} has closed")
        return Found(seed, effect, result.matured, result.conversion_lift)


def newsletter_days(project: Project, show: Show) -> set[date]:
    """The newsletter's day and the next, when the last of it is delivered."""
    sent = due_days(project, CAMPAIGN, show)
    return {day for day in days(show) if any(timedelta() <= day - one <= timedelta(days=1) for one in sent)}


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def main() -> int:
    """Both effects over all seeds, two at a time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--effect", type=float, default=0.08)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(prefix="tidings-shop-") as shop:
        build_shop(Path(shop), end=Show().end)
        with ProcessPoolExecutor(options.jobs) as pool:
            tasks = [
                pool.submit(run, Path(shop), effect, seed)
                for effect in (options.effect, 0.0)
                for seed in range(1, options.seeds + 1)
            ]
            found = [_shown(task.result()) for task in tasks]
    return _verdict(found, options.effect, options.seeds)


def _shown(found: Found) -> Found:
    low, high = found.estimate.low * 100, found.estimate.high * 100
    marks = ("holds it" if found.holds else "MISSES IT", "excludes 0" if found.excludes_zero else "")
    line = f"EFFECT={found.effect:<5g} seed {found.seed:>3}  {found.people:>5} people  "
    line += f"found {found.estimate.value * 100:+6.2f} %  [{low:+6.2f}, {high:+6.2f}]  {marks[0]:<9}  {marks[1]}"
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    return found


def _verdict(found: list[Found], effect: float, seeds: int) -> int:
    real = [one for one in found if one.effect == effect]
    none = [one for one in found if one.effect == 0]
    holds = sum(one.holds for one in real)
    seen, false = sum(one.excludes_zero for one in real), sum(one.excludes_zero for one in none)
    lines = [
        f"EFFECT={effect:g}: holds the truth in {holds} of {seeds}, excludes 0 in {seen} of {seeds}",
        f"EFFECT=0: holds the truth in {sum(one.holds for one in none)} of {seeds}, excludes 0 in {false} of {seeds}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    good = holds >= 0.85 * seeds and seen >= 0.8 * seeds and false <= 0.15 * seeds
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
