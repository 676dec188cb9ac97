"""Deliver under SIGKILL: a worker is killed again and again in the middle of a send, at seeded random times.

The judge is the mail server's own log, never our ledger: no message may arrive twice, none that the ledger calls
accepted may be missing, and what nobody knows must be visibly in doubt, at most one batch a kill. Exits 1 otherwise.

    make soak                                  # 40 kills
    .venv/bin/python benchmarks/soak_deliver.py --kills 500 --seed 7
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import select

from tidings.delivery.dispatch import BATCH
from tidings.demo.small_shop import write_small_shop
from tidings.ledger.database import Ledger
from tidings.ledger.tables import messages
from tidings.project import Project, load_project
from tidings.testing.smtp_sink import SmtpSink
from tidings.verbs.approve import approve
from tidings.verbs.plan import plan
from tidings.verbs.refresh import refresh

ROOT = Path(__file__).resolve().parent.parent
CAMPAIGN = "newsletter"
END = date(2026, 6, 30)


def make_workspace(folder: Path, port: int) -> Project:
    """The repository's workspace over a shop of 3,000 customers, without caps, on a fixed clock."""
    for name in ("config", "segments", "templates"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("local.yaml"))
    write_small_shop(folder / "data", end=END, customers=3000)
    now = f"{END}T16:00:00+00:00"
    local = f'clock: {{at: "{now}"}}\nproviders: {{smtp: {{port: {port}}}}}\nquiet_hours: null\n'
    (folder / "config" / "local.yaml").write_text(local + "caps: {email: {max: 1000, within: 1d}}\n")
    project = load_project(folder)
    refresh(project, project.now())
    approve(project, CAMPAIGN, project.now(), who="soak@example.com")
    return project


def soak(project: Project, kills: int, rng: random.Random) -> int:
    """Plan occasion after occasion and kill the worker that sends it; returns how often it was really killed."""
    done = number = 0
    while done < kills:
        number += 1
        plan(project, CAMPAIGN, project.now(), commit=True, occasion=f"soak-{number}")
        while _planned(project) and done < kills:
            done += _kill_in_the_middle(project, rng)
    subprocess.run(_command(project), check=True, capture_output=True)
    return done


def _command(project: Project) -> list[str]:
    words = ["deliver", "--root", str(project.root)]
    return [sys.executable, "-W", "ignore", "-c", "from tidings.cli.main import main; main()", *words]


def _kill_in_the_middle(project: Project, rng: random.Random) -> bool:
    """One worker, killed a random while after its first message has been claimed; False where it was faster."""
    before = _states(project)
    worker = subprocess.Popen(_command(project), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while worker.poll() is None and _states(project) == before:
        time.sleep(0.01)
    time.sleep(rng.uniform(0, 0.5))
    killed = worker.poll() is None
    worker.kill()
    worker.wait()
    return killed


def _states(project: Project) -> Counter[str]:
    with Ledger.open(project) as ledger, ledger.read() as connection:
        return Counter(connection.execute(select(messages.c.state)).scalars())


def _planned(project: Project) -> int:
    return _states(project)["planned"]


def verdict(project: Project, sink: SmtpSink, kills: int) -> int:
    """Compare the server's log with the ledger, key by key."""
    arrived = Counter(entry["send_key"] for entry in sink.accepted())
    with Ledger.open(project) as ledger, ledger.read() as connection:
        rows = connection.execute(select(messages.c.send_key, messages.c.state))
        states = {row.send_key: row.state for row in rows if row.state != "withheld"}
    twice = sum(number > 1 for number in arrived.values())
    lost = sum(state == "accepted" and key not in arrived for key, state in states.items())
    unknown = sum(key not in states for key in arrived)
    doubt = sum(state in ("sending", "in_doubt") for state in states.values())
    sys.stdout.write(
        f"{kills} kills over {len(states):,} messages: {sum(arrived.values()):,} arrived, {twice} twice, "
        f"{lost} lost silently, {unknown} nobody planned, {doubt} visibly in doubt (at most {kills * BATCH})\n"
        f"states: {dict(Counter(states.values()))}\n"
    )
    return int(bool(twice or lost or unknown or doubt > kills * BATCH))


def main() -> int:
    """Soak, then judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    sys.stdout.write(f"seed {options.seed}\n")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tidings-soak-") as name, SmtpSink(Path(name) / "inbox") as sink:
        project = make_workspace(Path(name) / "shop", sink.port)
        kills = soak(project, options.kills, random.Random(options.seed))
        bad = verdict(project, sink, kills)
    sys.stdout.write(f"{timedelta(seconds=round(time.monotonic() - started))}\n")
    return bad


if __name__ == "__main__":
    raise SystemExit(main())
