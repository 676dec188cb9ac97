"""Several threads that do something at the same moment, again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable


def at_once(*acts: Callable[[], object], times: int = 1) -> None:
    """Call every act so many times, each in a thread of its own, and each time all of them at once.

    Raises what went wrong first; the other times have come all the same.
    """
    barrier = threading.Barrier(len(acts))
    failed: list[BaseException] = []

    def play(act: Callable[[], object]) -> None:
        for _ in range(times):
            barrier.wait()
            try:
                act()
            except BaseException as error:  # noqa: BLE001 - who waits at the barrier would wait for ever
                failed.append(error)

    threads = [threading.Thread(target=play, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
