"""What a campaign depends on, and that the age of nothing else stops it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.workspaces import NOW, ago, consent, customer, line, order, product, workspace
from tidings.planning.freshness import depends_on
from tidings.project import Project
from tidings.verbs.check import check
from tidings.verbs.plan import plan
from tidings.verbs.refresh import refresh
from tidings.verbs.why import why

EVERYBODY = {"audience": {"include": "everybody"}}
BUYERS = {"audience": {"include": "buyers"}}
COMPLAINING = {"audience": {"include": "everybody", "exclude": ["open_cases > 0"]}}
GOAL = {"goal": {"event": "order", "within": "7d"}}
SEND = {"id": "s", "send": "email", "template": "news/only"}
BRANCH = [
    {"id": "if", "if": {"not": {"bought": {"category": "Milk"}}}, "then": [SEND]}
]  # fmt: skip


def shop(root: Path, limits: dict[str, str], **campaigns: Any) -> Project:
    """One customer of yesterday's consent whose last order is of ten days ago."""
    tables = {
        "customers": [customer("1", created_at=ago(30))],
        "orders": [order("o", "1", ago(10))],
        "order_lines": [line("o", "p")],
        "products": [product("p")],
        "consents": [consent("1", at=ago(1))],
        "cases": [],
    }
    for name in campaigns:
        template = root / f"templates/{name}/only.mjml"
        template.parent.mkdir(parents=True, exist_ok=True)
        template.write_text("<mjml></mjml>")
    segments = {"everybody": ["country = 'US'"], "buyers": ["orders >= 1"], "fans": [{"in_segment": "buyers"}]}
    return workspace(root, tables, segments=segments, campaigns=campaigns, warehouse={"freshness": limits})


def reasons(project: Project, name: str, now: Any = NOW) -> dict[str, int]:
    """What a plan says no with."""
    return plan(project, name, now).counts.reasons


@pytest.mark.parametrize(
    ("campaign", "stopped"),
    [
        (EVERYBODY, False),
        (BUYERS, True),
        ({"audience": {"include": "fans"}}, True),
        ({"audience": {"include": {"ordered": {"within": "90d"}}}}, True),
        (EVERYBODY | GOAL, True),
        (EVERYBODY | {"steps": BRANCH}, True),
        (COMPLAINING, False),
    ],
)
def test_only_what_depends_on_an_old_source_stops(tmp_path: Path, campaign: dict[str, Any], stopped: bool) -> None:
    """Orders are too old: whoever asks about them in any way waits, the others go on."""
    project = shop(tmp_path, {"orders": "9d"}, news=campaign | {"purpose": "service"})
    refresh(project, NOW)
    assert ("source_stale:orders" in reasons(project, "news")) is stopped


def test_each_source_has_its_dependents(tmp_path: Path) -> None:
    """An optional table stops who asks about it, consents whoever needs one, customers everybody."""
    service = {"purpose": "service"}
    project = shop(tmp_path, {}, news=EVERYBODY, bill=EVERYBODY | service, care=COMPLAINING | service)

    def stopped(limits: dict[str, str]) -> dict[str, str]:
        made = shop(tmp_path, limits, news=EVERYBODY, bill=EVERYBODY | service, care=COMPLAINING | service)
        found = {name: reasons(made, name) for name in made.campaigns}
        return {name: code for name, codes in found.items() for code in codes if code.startswith("source_stale")}

    refresh(project, NOW)
    assert stopped({}) == {}
    assert stopped({"cases": "9d"}) == {"care": "source_stale:cases"}
    assert stopped({"consents": "1h"}) == {"news": "source_stale:consents"}
    assert stopped({"customers": "29d"}) == dict.fromkeys(project.campaigns, "source_stale:customers")
    assert stopped({"products": "1m"}) == {}


def test_a_source_ages_after_the_refresh(tmp_path: Path) -> None:
    """The same snapshot is fresh today and too old tomorrow; why says how old, check warns at the setting."""
    project = shop(tmp_path, {"orders": "10d"}, news=BUYERS)
    refresh(project, NOW)
    assert "source_stale:orders" not in reasons(project, "news")
    later = NOW + timedelta(days=1)
    assert reasons(project, "news", later) == {"source_stale:orders": 1}
    last = why(project, "1", "news", later).gates[-1]
    sentence = "orders is older than 11d: its newest is of 2026-10-22 00:00 UTC; warehouse.freshness allows 10d"
    assert (last.gate, last.passed, last.detail) == ("source_stale:orders", False, sentence)
    assert [found.reason for found in check(tmp_path, NOW.isoformat()).findings if "freshness" in found.reason] == []
    [warning] = [found for found in check(tmp_path, later.isoformat()).findings if "freshness" in found.reason]
    assert (warning.level, warning.file, warning.reason) == ("warning", "config/tidings.yaml", sentence)
    assert warning.line is not None


def test_what_cannot_be_told_depends_on_all_that_must_be_there(tmp_path: Path) -> None:
    """A snapshot that does not say what its columns read is taken to read every compulsory table."""
    project = shop(tmp_path, {}, news=EVERYBODY | {"purpose": "service"})
    campaign = project.campaigns["news"]
    assert depends_on(project, campaign, {}) == {"customers", "orders", "order_lines", "products", "fx"}
    assert depends_on(project, campaign, {"in__everybody": ["customers"]}) == {"customers"}
