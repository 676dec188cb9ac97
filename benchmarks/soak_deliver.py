"""Deliver under SIGKILL: at least fifty kills in every cell of the crash matrix, some twenty thousand in all.

The judge is the provider's own log, never our ledger: no message may arrive twice, none that the ledger calls accepted
may be missing, and what nobody knows must be visibly in doubt, at most one batch a worker. Exits 1 otherwise. It is
the harness of tests/delivery/test_crash.py, which makes two kills a cell.

    make soak                    # 50 kills a cell, about an hour on two idle cores
    make soak KILLS=3 SEED=7     # fewer, as they were drawn in that run
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import warnings
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.databases import KINDS, SQLITE, copy_sqlite, new_postgres
from tests.delivery.crash.cells import LANES, Stop, cells
from tests.delivery.crash.lane import Report
from tests.delivery.crash.runs import run_matrix
from tests.delivery.races import race_for_the_cap, race_with_a_goodbye
from tests.stage import Stage
from tests.workspace import bare_project
from tidings.ledger.database import Ledger

RACES = 100
CLAIMS = 1_000


def race(folder: Path) -> list[str]:
    """A thousand claims against another campaign's and against unsubscribes, on either database (R38, R24)."""
    wrong = []
    for kind in KINDS:
        for what, play in (("the cap", race_for_the_cap), ("unsubscribes", race_with_a_goodbye)):
            root = folder / f"{kind} {what}"
            root.mkdir()
            copy_sqlite(root)
            project = bare_project(root, ledger={"url": SQLITE if kind == "sqlite" else new_postgres()})
            with Ledger.open(project) as ledger:
                found = play(Stage.lay(project, ledger), CLAIMS)
            _tell(f"{kind}: {CLAIMS:,} claims against {what}: {'; '.join(found) or 'as it should be'}")
            wrong += [f"{kind}, {what}: {each}" for each in found]
    return wrong


def record(
    reports: dict[tuple[str, str], Report], raced: list[str], seed: int, kills: int, seconds: float
) -> dict[str, Any]:
    """What docs/reliability.md shows of a run."""
    lanes = {}
    for (kind, provider), report in reports.items():
        stops: dict[str, Counter[str]] = {stop: Counter() for stop in Stop}
        for cell, number in report.kills.items():
            stops[cell.stop][cell.fault] += number
        lanes[f"{kind} × {provider}"] = {
            "kills": stops,
            "messages": report.messages,
            "arrived": report.arrived,
            "findings": report.findings,
            "in_doubt": report.in_doubt,
            "in_doubt_told": report.in_doubt_told,
            "never_taken": report.never_taken,
            "states": report.states,
        }
    same = {"seed": seed, "kills": kills, "races": RACES, "seconds": round(seconds)}
    return same | {"claims": {"times": CLAIMS, "findings": raced}, "lanes": lanes}


def thin(reports: dict[tuple[str, str], Report], kills: int) -> list[str]:
    """Cells with fewer kills than were asked for."""
    return [
        f"{kind} {provider}: {cell.stop}, {cell.fault}: {reports[kind, provider].kills[cell]} kills"
        for kind, provider in LANES
        for cell in cells(provider)
        if reports[kind, provider].kills[cell] < kills
    ]


def main() -> int:
    """Soak, then judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, help="in every cell")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--record", type=Path, help="write what the run found as JSON")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    sys.stdout.write(f"seed {options.seed}\n")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tidings-soak-") as name:
        os.environ.setdefault("XDG_RUNTIME_DIR", name)  # where PostgreSQL keeps its socket
        raced = race(Path(name))
        reports = run_matrix(Path(name), options.seed, options.kills, races=RACES, pairs=options.kills, tell=_tell)
    seconds = time.monotonic() - started
    bad = raced + thin(reports, options.kills)
    for (kind, provider), report in reports.items():
        bad += [f"{kind} {provider}: {finding}" for finding in report.findings]
        sys.stdout.write(
            f"{kind} {provider}: {report.kills.total():,} kills over {report.messages:,} messages, "
            f"{report.arrived:,} arrived; in doubt {report.in_doubt:,}, after truthful events "
            f"{report.never_taken:,}, all of which the provider never got\n  states: {dict(report.states)}\n"
        )
    total = sum(report.kills.total() for report in reports.values())
    sys.stdout.write(f"{total:,} kills in {timedelta(seconds=round(seconds))}; seed {options.seed}\n")
    sys.stdout.write("".join(f"WRONG {line}\n" for line in bad) or "nothing twice, nothing lost silently\n")
    if options.record:
        found = record(reports, raced, options.seed, options.kills, seconds)
        options.record.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return int(bool(bad))


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
