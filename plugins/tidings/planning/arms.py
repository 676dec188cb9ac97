"""Arms and variants: a keyed hash decides, so that any past draw can be made again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from tidings.model.campaign import Holdout
from tidings.model.steps import Variant

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

TREATED = "treated"
CONTROL = "control"

_START = datetime(2020, 1, 1, tzinfo=UTC)


def uniform(salt: str, what: str, keys: Sequence[str]) -> npt.NDArray[np.float64]:
    """One number in [0, 1) a key: the first 53 bits of blake2b keyed by the salt, over `what` and the key."""
    import numpy as np

    base = blake2b(what.encode() + b"|", key=salt.encode()[:64], digest_size=8)
    drawn = np.empty(len(keys), dtype=np.float64)
    for index, key in enumerate(keys):
        one = base.copy()
        one.update(key.encode())
        drawn[index] = (int.from_bytes(one.digest(), "big") >> 11) / (1 << 53)
    return drawn


def epoch(holdout: Holdout, now: datetime) -> str:
    """Which draw is in force: it turns after `rotate`, and whenever the share changes."""
    turn = int((now - _START) / holdout.rotate) if holdout.rotate else 0
    return f"{turn}:{holdout.share:g}"


def draw(salt: str, campaign: str, holdout: Holdout, now: datetime, keys: Sequence[str]) -> list[str]:
    """`treated` or `control` for each person."""
    drawn = uniform(salt, f"arm|{campaign}|{epoch(holdout, now)}", keys)
    return [CONTROL if number < holdout.share else TREATED for number in drawn]


def choose(salt: str, campaign: str, step: str, variants: Sequence[Variant], keys: Sequence[str]) -> list[str | None]:
    """The variant of each person at a step, by the shares; None where the step has no variants."""
    if not variants:
        return [None] * len(keys)
    import numpy as np

    edges = np.cumsum([variant.share for variant in variants])
    picked = np.searchsorted(edges, uniform(salt, f"variant|{campaign}|{step}", keys) * edges[-1], side="right")
    return [variants[index].id for index in picked]
