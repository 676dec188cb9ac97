"""The only place in the tests that waits: for a condition, up to a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], deadline_seconds: float, every: float = 0.05, what: str = "") -> None:
    """Return as soon as `condition()` is true; fail after `deadline_seconds`, naming `what` was awaited.

    The condition is asked at least once, and once more at the deadline: a slow machine gets its last chance.
    """
    deadline = time.monotonic() + deadline_seconds
    while True:
        last = time.monotonic() >= deadline
        if condition():
            return
        if last:
            raise AssertionError(f"{what or 'the condition'} did not hold within {deadline_seconds} s")
        time.sleep(every)
