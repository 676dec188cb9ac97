"""The facts of a finished campaign, to be changed by each test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tidings.measurement.lift import mean_difference, proportion_difference, sample_ratio, scale
from tidings.model.campaign import Campaign
from tidings.model.counts import ArmResult, MeasureShape, PlanCounts, Split
from tidings.reports import Facts
from tidings.reports.canvas import chinese_font
from tidings.reports.charts import chart_reader
from tidings.reports.reader import Reader, load_reader

MakeFacts = Callable[..., Facts]
Known = Callable[..., Mapping[str, Any]]

needs_chinese = pytest.mark.skipif(chinese_font() is None, reason="no Chinese font: sudo apt install fonts-noto-cjk")

COUNTS = PlanCounts(
    considered=4938,
    planned=1203,
    withheld=402,
    reasons={
        "not_in_audience": 2774,
        "excluded": 120,
        "reentry": 0,
        "missing_address": 203,
        "no_consent": 236,
    },
)


def campaign(**changes: Any) -> Campaign:
    """A broadcast with a goal and a holdout."""
    fields = {
        "campaign": "win_back",
        "title": "Bring lapsed milk subscribers home",
        "aim": "win_back",
        "owner": "lan@example.com",
        "schedule": "0 9 * * *",
        "timezone": "Asia/Ho_Chi_Minh",
        "audience": {"include": "slipping_away"},
        "goal": {"event": "order", "within": "21d"},
        "holdout": {"share": "25%"},
        "steps": [{"id": "miss_you", "send": "email", "template": "win_back/miss_you"}],
    }
    return Campaign.model_validate(fields | changes)


def measure(treated: tuple[int, int] = (204, 1852), control: tuple[int, int] = (48, 617)) -> MeasureShape:
    """What `measure` says of arms given as (converted, persons); every buyer ordered once, for $34.12."""
    arms = [
        ArmResult(arm=name, persons=n, converted=x, orders=x, value=x * 3412)
        for name, (x, n) in (("treated", treated), ("control", control))
    ]
    conversion = orders = value = None
    if treated[1] and control[1]:
        conversion = proportion_difference(*treated, *control)
        orders, value = (
            mean_difference(*([each] * x + [0] * (n - x) for x, n in (treated, control))) for each in (1, 3412)
        )
    return MeasureShape(
        campaign="win_back",
        as_of=datetime(2026, 11, 22, tzinfo=UTC),
        window_days=21,
        matured=treated[1] + control[1],
        strata=1,
        split=Split(expected=(treated[1] + control[1]) * 0.25, p_value=sample_ratio(treated[1], control[1], 0.25)),
        arms=arms,
        conversion_lift=conversion,
        value_lift=value,
        caused_buyers=scale(conversion, treated[1]),
        caused_orders=scale(orders, treated[1]),
        caused_value=scale(value, treated[1]),
        claimed_orders=143,
        claimed_value=512_345,
    )


@pytest.fixture(scope="session")
def make_facts() -> MakeFacts:
    """Facts in one language; keyword arguments replace keys."""

    def make(locale: str = "en", **changes: Any) -> Facts:
        facts: dict[str, Any] = {
            "campaign": campaign(),
            "measure": measure(),
            "plans": [{"occasion": "2026-11-22", "step": None, "counts": COUNTS}],
            "states": {"accepted": 1190, "in_doubt": 3, "refused": 10, "withheld": 402},
            "currency": "USD",
            "locale": locale,
            "timezone": "Asia/Ho_Chi_Minh",
            "brand": {"name": "Dairy Lane", "address": "12 Meadow Road", "colour": "#2E6F40"},
            "as_of": datetime(2026, 11, 22, 2, 5, tzinfo=UTC),
            "quarantined": {"orders: negative total": 12},
        }
        return facts | changes  # type: ignore[return-value] # a TypedDict that a test takes apart

    return make


@pytest.fixture
def known(make_facts: MakeFacts, root: Path) -> Known:
    """The same facts as a section gets them: with the reader, and the pen that the charts are written with."""

    def make(locale: str = "en", **changes: Any) -> Mapping[str, Any]:
        facts = make_facts(locale, **changes)
        reader = load_reader(root, locale, facts["currency"])
        pen = chart_reader(reader, load_reader(root, "en", facts["currency"]))
        return {**facts, "reader": reader, "pen": pen}

    return make


@pytest.fixture
def english(root: Path) -> Reader:
    """A reader of English with US dollars."""
    return load_reader(root, "en", "USD")
