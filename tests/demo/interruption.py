"""Ctrl-C at a chosen moment: Python tells of every folder it makes or removes and every file it moves."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

MOMENTS = frozenset({"os.mkdir", "os.rename", "os.rmdir", "shutil.rmtree"})


@dataclass
class _Alarm:
    events: Set[str] = frozenset()
    left: int = 0

    def __call__(self, event: str, _arguments: tuple[Any, ...]) -> None:
        if event in self.events and self.left:
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt


_alarm = _Alarm()
sys.addaudithook(_alarm)  # it stays for good, and does nothing unless it is set


@contextmanager
def interrupted(moment: int, at: Set[str] = MOMENTS) -> Iterator[list[int]]:
    """KeyboardInterrupt at the so-manyeth of these events; the list is empty afterwards where it did not come."""
    came: list[int] = []
    _alarm.events, _alarm.left = at, moment
    try:
        yield came
    except KeyboardInterrupt:
        came.append(moment)
    finally:
        _alarm.left = 0
