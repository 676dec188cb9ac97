"""The killer's side: it asks the nursery for workers, hears when they come to their points, and kills them."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from tests.delivery.crash.workspace import API_KEY, Place

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 60.0  # seconds for anything that has to come at all


class Killer:
    """Asks the nursery for workers and kills them."""

    def __init__(self, place: Place, log: Path) -> None:
        self._log = log.open("w")
        self.failed = 0
        self._ends = 0
        self._killed: set[int] = set()
        self._at: set[int] = set()
        self._dead: set[int] = set()
        self._born: list[int] = []
        self._warm = False
        self._unread = b""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.delivery.crash.nursery", json.dumps(place)],
            cwd=ROOT,
            env=os.environ | {"TIDINGS_SECRET_CRASH": API_KEY},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )

    @property
    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the nursery was started without pipes")
        return self._process.stdin, self._process.stdout

    def warm_up(self, now: datetime) -> None:
        """Send what is planned at `now` in the nursery itself."""
        self._write({"warm": now.isoformat()})
        self._read_until(lambda: self._warm)

    def start(self, specs: Sequence[dict[str, Any]]) -> list[int]:
        """Workers, one a spec; their process ids."""
        self._born, self._ends = [], len(specs)
        for known in (self._at, self._dead, self._killed):
            known.clear()
        self._write({"run": specs})
        self._read_until(lambda: bool(self._born))
        return self._born

    def wait_for_stop(self, worker: int, pause: float) -> bool:
        """Whether the worker came to its point and, after that and a pause, is still there to be killed."""
        self._read_until(lambda: worker in self._at | self._dead)
        end = time.monotonic() + pause
        while worker not in self._dead and (left := end - time.monotonic()) > 0:
            self._read(left)
        return worker in self._at and worker not in self._dead

    def kill(self, worker: int) -> None:
        """SIGKILL, unless it has ended by itself; back when it is gone."""
        if worker not in self._dead:
            self._killed.add(worker)
            os.kill(worker, signal.SIGKILL)
        self._read_until(lambda: worker in self._dead)

    def wait_for_ends(self) -> None:
        """Back when all workers have ended by themselves."""
        self._read_until(lambda: len(self._dead) == self._ends)

    def close(self) -> None:
        """Let it end; a worker that hangs is killed with it."""
        for pipe in self._pipes:
            pipe.close()
        self._process.kill()
        self._process.wait()
        self._log.close()

    def _write(self, command: dict[str, Any]) -> None:
        to, _ = self._pipes
        to.write(json.dumps(command).encode() + b"\n")
        to.flush()

    def _read_until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"a worker did not come to its point or end within {PATIENCE} s")
            self._read(left)

    def _read(self, seconds: float) -> None:
        """Take the news that have come, or come within this time."""
        _, news = self._pipes
        if not select.select([news], [], [], seconds)[0]:
            return
        octets = os.read(news.fileno(), 65_536)
        if not octets:
            raise EOFError("the nursery has ended; nursery.log says why")
        *lines, self._unread = (self._unread + octets).split(b"\n")
        for line in lines:
            self._take(json.loads(line))

    def _take(self, news: dict[str, Any]) -> None:
        self._warm |= "warm" in news
        self._born = news.get("born", self._born)
        if "at" in news:
            self._at.add(news["at"])
        if "dead" in news:
            self._dead.add(news["dead"])
            self.failed += news["status"] != 0 and news["dead"] not in self._killed
