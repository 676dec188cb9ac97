"""check: the table of mistakes, one by one and all at once, and what is only a warning."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from tests.data.mistakes.table import Mistake, mistakes, new_workspace
from tidings.errors import Where
from tidings.model.counts import CheckShape, Finding
from tidings.project import load_project
from tidings.verbs.check import check


def line(finding: Finding) -> str:
    """A finding as it is printed."""
    where = Where(finding.file, finding.line, finding.column)
    return f"{where}: " + "; ".join(part for part in (finding.reason, finding.fix) if part)


def of_level(found: CheckShape, level: str) -> list[str]:
    """The findings of one level, as they are printed."""
    return [line(finding) for finding in found.findings if finding.level == level]


@pytest.mark.parametrize("mistake", mistakes(), ids=lambda mistake: mistake.title.replace(" ", "_"))
def test_a_mistake_is_said_where_it_is_with_what_mends_it(mistake: Mistake, tmp_path: Path) -> None:
    """File, line, column, reason and fix, word by word as docs/mistakes.md prints them (R49, R54)."""  # R49 R54
    root = new_workspace(tmp_path)
    mistake.make(root)
    found = check(root)
    assert [line(finding) for finding in found.findings] == mistake.says
    assert found.ok is False


def test_all_mistakes_are_said_at_once(tmp_path: Path) -> None:
    """No mistake of the table hides another, whichever file it is in."""
    root = new_workspace(tmp_path)
    for mistake in mistakes():
        mistake.make(root)
    expected = [said for mistake in mistakes() for said in mistake.says]
    assert sorted(of_level(check(root), "error")) == sorted(expected)


def test_the_table_is_long_enough() -> None:
    """Everything the issue names is in it, and more."""
    assert len(mistakes()) >= 40
    assert len({mistake.title for mistake in mistakes()}) == len(mistakes())


def test_a_workspace_without_mistakes_is_well(tmp_path: Path) -> None:
    """Nothing is found, and everything that was read is counted."""
    found = check(new_workspace(tmp_path))
    assert found == CheckShape(ok=True, campaigns=1, segments=2, templates=2, findings=[])


def test_times_without_quotes_are_times(tmp_path: Path) -> None:
    """`22:00` is 22:00: YAML 1.2, not 1320 seconds."""
    project = load_project(new_workspace(tmp_path))
    send_at = project.campaigns["hello"].send_steps[0].send_at
    assert send_at is not None
    assert send_at.local == time(22)
    assert project.settings.quiet_hours is not None
    assert project.settings.quiet_hours.start == time(22)


def test_the_workspace_of_the_repository_is_well(root: Path) -> None:
    """A clone has no mistakes; before the demo has made its shop, the columns cannot be checked."""
    found = check(root)
    assert of_level(found, "error") == []
    warnings = of_level(found, "warning")
    assert all("the warehouse cannot be read" in warning for warning in warnings)
    assert (found.campaigns, found.segments >= 8, found.templates >= 6) == (4, True, True)


def test_without_a_warehouse_columns_pass_with_a_warning(tmp_path: Path) -> None:
    """A new workspace can be checked before its tables are there."""
    root = new_workspace(tmp_path)
    (root / "data" / "customers.csv").unlink()
    segment = root / "segments" / "fresh.yaml"
    segment.write_text(segment.read_text().replace("tenure_days", "shoe_size"))
    found = check(root)
    assert found.ok
    assert of_level(found, "warning") == [
        (
            "config/tidings.yaml:1:1: the warehouse cannot be read, so columns are not checked;"
            " put the tables into data/, or mend `warehouse:`"
        )
    ]


def test_a_language_that_one_template_lacks_is_a_warning(tmp_path: Path) -> None:
    """Readers of that language get the workspace's own; that is worth knowing, and no mistake."""
    root = new_workspace(tmp_path)
    (root / "templates" / "hello" / "note.vi.txt").unlink()
    found = check(root)
    assert found.ok
    assert of_level(found, "warning") == [
        (
            "templates/hello/note.en.txt: hello/note has no texts in vi, as other templates have;"
            " write them beside it; until then their readers get en"
        )
    ]


def test_broken_settings_hide_no_other_mistake(tmp_path: Path) -> None:
    """Campaigns and segments are read whatever config/tidings.yaml says."""
    root = new_workspace(tmp_path)
    marker = root / "config" / "tidings.yaml"
    marker.write_text(marker.read_text().replace("workspace: corner", "workspace: Corner Shop"))
    (root / "segments" / "late.yaml").write_text("segment: late\ntitle: Late\nwere: [orders >= 3]\n")
    assert of_level(check(root), "error") == [
        "config/tidings.yaml:1:12: 'Corner Shop' is not a name; use lower-case letters, digits and _, letter first",
        "segments/late.yaml:3:1: unknown key 'were'; did you mean 'where'?",
    ]


def test_a_plugin_that_breaks_a_template_is_contained(tmp_path: Path) -> None:
    """A filter that raises is a finding at the template, and the rest is checked all the same (R55)."""  # R55
    root = new_workspace(tmp_path)
    (root / "plugins").mkdir()
    (root / "plugins" / "loud.py").write_text(
        "from tidings.hookspecs import hookimpl\n\n\n@hookimpl\n"
        "def prepare_jinja_environment(env):\n    raise OSError('no')\n"
    )
    (root / "segments" / "late.yaml").write_text("segment: late\ntitle: Late\nwhere: [order >= 3]\n")
    said = of_level(check(root), "error")
    assert "segments/late.yaml:3:9: there is no column 'order'; did you mean 'orders'?" in said
    assert any("OSError: no" in each and "hello/brief" in each for each in said)
