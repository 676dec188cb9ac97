"""Files of purchases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd


def write(path: Path, *rows: str) -> Path:
    """A file of purchases."""
    path.write_text("\n".join(["who,day,paid", *rows]) + "\n", encoding="utf-8")
    return path


def many(path: Path, customers: int = 400, after: bool = False) -> Path:
    """Purchases of customers who differ, in the year until 2026-09-30; `after`: and in the quarter after it."""
    random = np.random.default_rng(11)
    rows = []
    for who in range(customers):
        pace = random.gamma(1.0, 60)
        day = float(random.integers(0, 300))
        while day < (455 if after else 365):
            stamp = pd.Timestamp("2025-10-01") + pd.Timedelta(days=int(day))
            rows.append(f"c{who},{stamp.date()},{random.gamma(4.0, 5.0) + 1:.2f}")
            day += 1 + random.exponential(pace)
            if random.random() < 0.1:
                break
    return write(path, *rows)
