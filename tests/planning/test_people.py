"""What planning reads of a real refresh: what a message shows of a customer, and answers to questions as they are."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.workspaces import NOW, ago, consent, customer, order, workspace, write_table
from tests.workspace import DAY, delivered
from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.snapshots import current_snapshot
from tidings.model.seams import Snapshot
from tidings.planning.people import load_features
from tidings.project import Project, load_project
from tidings.verbs.deliver import deliver
from tidings.verbs.plan import plan
from tidings.verbs.preview import preview
from tidings.verbs.refresh import refresh
from tidings.verbs.why import why

MJML = """<mjml lang="{{ locale }}"><mj-body><mj-section><mj-column>
  <mj-text>{{ t.hello }}</mj-text>
  <mj-text><p>{{ brand.address }}</p><a href="{{ unsubscribe_url }}">Leave</a></mj-text>
</mj-column></mj-section></mj-body></mjml>
"""
TEXTS = """subject: "{{ customer.last_order_at | date }}"
preheader: Read on
hello: >-
  born {{ customer.birth_date | date if customer.birth_date else "one day" }},
  {{ customer.children if customer.children is not none else "no" }} children,
  {{ customer.points or 0 }} points
"""
ORDERS = [*(order(f"o{number}", "1", ago(number)) for number in (3, 20, 30)), order("o4", "2", ago(5))]
SEGMENTS = {
    "everybody": ["orders >= 0"],
    "buyers": ["orders >= 1"],
    "fans": [{"in_segment": "buyers"}, "orders >= 2"],
}


def shop(root: Path, **campaigns: Any) -> Project:
    """Three customers who may be written to: one of three orders and every attribute, one of one order, one of none."""
    tables = {
        "customers": [
            customer("1", birth_date=date(1984, 2, 29), children=2, points=1200),
            *(customer(one, birth_date=None, children=None, points=None) for one in "23"),
        ],
        "orders": ORDERS,
        "consents": [consent(one) for one in "123"],
    }
    names = {name: {"approval": "none"} | keys for name, keys in campaigns.items()}
    project = workspace(root, tables, segments=SEGMENTS, campaigns=names)
    for name in names:
        folder = root / "templates" / name
        folder.mkdir(parents=True)
        (folder / "only.mjml").write_text(MJML)
        (folder / "only.en.yaml").write_text(TEXTS)
    return project


def edit(project: Project, name: str, old: str, new: str) -> Project:
    """The project after an edit of a file under segments/."""
    path = project.root / "segments" / f"{name}.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return load_project(project.root)


def current(project: Project) -> Snapshot:
    """The snapshot that plans read."""
    with Ledger.open(project) as ledger, ledger.read() as connection:
        return current_snapshot(connection, project.root)


def test_what_is_previewed_is_what_is_sent(tmp_path: Path) -> None:
    """A date, an empty date and a whole number that others lack read in the message as in the preview."""
    project = shop(tmp_path, news={"audience": {"include": "buyers"}})
    refresh(project, NOW)
    plan(project, "news", NOW, commit=True)
    done = deliver(project, NOW)
    assert (2, 2) == (done.claimed, done.accepted)
    said = {
        "1": ("October 29, 2026", "born February 29, 1984, 2 children, 1200 points"),
        "2": ("October 27, 2026", "born one day, no children, 0 points"),
    }
    sent = {letter.to[1:2]: letter for letter in delivered(project)}
    for one, (subject, text) in said.items():
        shape = preview(project, "news/only", one, NOW)
        shown = " ".join(Path(shape.text).read_text().split())
        assert subject == shape.subject == sent[one].subject
        assert text in shown
        assert text in " ".join(sent[one].text.split())


def test_features_are_in_the_order_asked(tmp_path: Path) -> None:
    """One row for each customer asked about, also one asked twice or gone, without columns that nobody knows."""
    project = shop(tmp_path, news={})
    refresh(project, NOW)
    rows = load_features(current(project), ["children", "orders", "nothing_such"], ["2", "1", "gone", "2"]).to_pylist()
    two = {"customer_id": "2", "children": None, "orders": 1}
    assert [two, {"customer_id": "1", "children": 2, "orders": 3}, dict.fromkeys(two), two] == rows


@pytest.mark.parametrize("include", ["fans", {"any": ["fans", "orders > 100"]}, {"not": {"in_segment": "fans"}}])
@pytest.mark.parametrize(("name", "old"), [("fans", "orders >= 2"), ("buyers", "orders >= 1")])
def test_an_edited_segment_waits_for_a_refresh(tmp_path: Path, include: Any, name: str, old: str) -> None:
    """Between the edit and the refresh nothing is planned: the old audience would go under the new definition.

    That holds for a segment that the audience names and for one that stands behind it, wherever it is named.
    """
    project = shop(tmp_path, news={"audience": {"include": include}})
    refresh(project, NOW)
    before = plan(project, "news", NOW)
    project = edit(project, name, old, "orders >= 4")
    asks = (
        lambda: plan(project, "news", NOW),
        lambda: plan(project, "news", NOW, commit=True),
        lambda: why(project, "1", "news", NOW),
    )
    for ask in asks:
        with pytest.raises(TidingsError, match=f"the segment '{name}' was edited after .*; run `tidings refresh`"):
            ask()
    refresh(project, NOW)
    after = plan(project, "news", NOW)
    assert before.definition_hash != after.definition_hash
    assert before.counts != after.counts


def test_an_exclusion_that_was_edited_waits_too(tmp_path: Path) -> None:
    """Who is left out is asked of the snapshot as who is let in."""
    project = shop(tmp_path, news={"audience": {"include": "everybody", "exclude": ["fans"]}})
    refresh(project, NOW)
    assert {"excluded": 1} == plan(project, "news", NOW).counts.reasons
    project = edit(project, "fans", "orders >= 2", "orders >= 4")
    with pytest.raises(TidingsError, match="the segment 'fans' was edited"):
        plan(project, "news", NOW)


def test_what_a_segment_does_not_ask_may_be_edited(tmp_path: Path) -> None:
    """A title is no question, and a segment that the campaign does not ask about is none of its own."""
    project = shop(tmp_path, news={"audience": {"include": "fans"}})
    refresh(project, NOW)
    edit(project, "fans", "title: fans", "title: Those who come back")
    project = edit(project, "everybody", "orders >= 0", "orders >= 4")
    assert 1 == plan(project, "news", NOW).counts.planned


def test_a_snapshot_that_does_not_say_what_it_was_asked(tmp_path: Path) -> None:
    """One that was made before this was kept is taken at its word."""
    project = shop(tmp_path, news={"audience": {"include": "fans"}})
    refresh(project, NOW)
    (current(project).folder / "summary.json").unlink()
    project = edit(project, "fans", "orders >= 2", "orders >= 4")
    assert 1 == plan(project, "news", NOW).counts.planned


@pytest.mark.parametrize(("fans", "buyers", "edited"), [(2, 1, "fans"), (1, 2, "buyers")])
def test_an_edited_segment_lets_nobody_in(tmp_path: Path, fans: int, buyers: int, edited: str) -> None:
    """Whom an edit brings into the audience, of it or of a segment behind it, has not come in; who buys then has."""
    project = shop(tmp_path, news={"audience": {"include": "fans", "enter": "on_entry"}})
    edit(project, "fans", "orders >= 2", f"orders >= {fans}")
    project = edit(project, "buyers", "orders >= 1", f"orders >= {buyers}")
    refresh(project, NOW)
    assert {"backlog": 1, "not_in_audience": 2} == plan(project, "news", NOW, commit=True).counts.reasons
    project = edit(project, edited, "orders >= 2", "orders >= 1")
    refresh(project, NOW + DAY)
    assert {"backlog": 2, "not_in_audience": 1} == plan(project, "news", NOW + DAY, commit=True).counts.reasons
    write_table(tmp_path / "data", "orders", [*ORDERS, order("o5", "3", NOW)])
    refresh(project, NOW + 2 * DAY)
    found = plan(project, "news", NOW + 2 * DAY, commit=True).counts
    assert ({"backlog": 2}, 1) == (found.reasons, found.planned)
