"""A process that has everything imported and forks workers on demand; each of them may be killed at any moment.

It reads commands from standard input and writes news to standard output, one JSON object a line. `python -m
tests.delivery.crash.nursery '<a Place as JSON>'`.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from tests.delivery.crash.cells import Stop
from tests.delivery.crash.mutants import MUTANTS
from tests.delivery.crash.stops import Stopper
from tests.delivery.crash.workspace import BATCH, Place
from tidings.delivery import dispatch
from tidings.ledger.database import Ledger
from tidings.project import Project
from tidings.providers import sendgrid_request
from tidings.verbs.deliver import deliver
from tidings.verbs.tick import tick


class Nursery:
    """Keeps the project, and the ledger's engine without a connection, for every worker to come."""

    def __init__(self, place: Place, news: int) -> None:
        self.project: Project = place.project()
        self.news = news
        with Ledger.open(self.project) as opened:
            self.ledger = Ledger(opened.engine)
        # A worker opens its own connection. What would be checked again each time (migrations, stamps) has been.
        Ledger.open = classmethod(lambda *_, **__: self.ledger)  # type: ignore[assignment, method-assign]
        sendgrid_request.MAX_PERSONS = BATCH // 2  # or no batch would ever be answered in part

    def say(self, **news: Any) -> None:
        """One line, in one piece: several processes write to this pipe."""
        os.write(self.news, json.dumps(news).encode() + b"\n")

    def warm_up(self, now: datetime) -> None:
        """Deliver once in this process: what is compiled and imported by it, no worker has to."""
        tick(self.project, now)
        self.ledger.close()
        gc.collect()
        gc.freeze()

    def run(self, specs: Sequence[Mapping[str, Any]]) -> None:
        """Fork a worker for each and wait for their ends, whatever they are."""
        barrier = [os.pipe() for _ in specs]
        pids = []
        for number, spec in enumerate(specs):
            pid = os.fork()
            if not pid:
                self._work(spec, number, barrier)
            pids.append(pid)
        for pipe in barrier:
            os.close(pipe[0])
            os.close(pipe[1])
        self.say(born=pids)
        for pid in pids:
            self.say(dead=pid, status=os.waitpid(pid, 0)[1])

    def _work(self, spec: Mapping[str, Any], number: int, barrier: Sequence[tuple[int, int]]) -> None:
        """A worker's whole life; it never comes back from here."""
        try:
            stop = Stop(spec["stop"]) if spec["stop"] else None
            if spec["mutant"]:
                MUTANTS[spec["mutant"]]()
            if stop:
                Stopper(stop, spec["nth"], lambda: self.say(at=os.getpid())).install()
            if len(barrier) > 1:
                _claim_together(number, barrier)
            if stop is Stop.ANY:
                self.say(at=os.getpid())
            now = datetime.fromisoformat(spec["now"])
            if spec["scope"]:
                deliver(self.project, now, **spec["scope"])
            else:
                tick(self.project, now)
            os._exit(0)
        except BaseException:  # noqa: BLE001 - whatever it is, it must not run the parent's code
            traceback.print_exc()
            os._exit(1)


def _claim_together(number: int, barrier: Sequence[tuple[int, int]]) -> None:
    """Two workers wait for each other before every claim, for as long as both live: so each claim is a race."""
    other = barrier[1 - number]
    os.close(other[0])
    os.close(barrier[number][1])
    claim = dispatch.Dispatcher._claim

    def both(*args: Any) -> Any:
        with suppress(BrokenPipeError):  # the other one has ended
            os.write(other[1], b".")
            os.read(barrier[number][0], 1)
        return claim(*args)

    # Outside the transaction: on SQLite the second one could not even begin its own.
    dispatch.Dispatcher._claim = both  # type: ignore[method-assign, assignment]


def main() -> None:
    """Until standard input ends."""
    warnings.simplefilter("ignore")  # among them that a process with threads forks: Arrow's are idle
    news = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    nursery = Nursery(Place(*json.loads(sys.argv[1])), news)
    for line in sys.stdin:
        command = json.loads(line)
        if "warm" in command:
            nursery.warm_up(datetime.fromisoformat(command["warm"]))
            nursery.say(warm=True)
        else:
            nursery.run(command["run"])


if __name__ == "__main__":
    main()
