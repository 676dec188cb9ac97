from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.data.mistakes.table import new_workspace
from tidings.errors import Where
from tidings.model.scalars import format_duration
from tidings.planning.windows import too_short, windows
from tidings.project import load_project
from tidings.verbs.check import check


def test_what_looks_back_is_named_with_its_place(tmp_path: Path) -> None:
    """Caps in the settings, goals and `not_again` in the campaigns; a shorter retention is a mistake of `check`."""
    root = new_workspace(tmp_path)
    campaign = root / "config" / "campaigns" / "hello.yaml"
    shown = "recommend: {strategy: popular, not_again: 60d}"
    campaign.write_text(campaign.read_text().replace("offer: ten_percent,", f"offer: ten_percent, {shown},", 1))
    project = load_project(root)
    found = list(windows(project))
    kinds = {each.what.partition(" of ")[0] for each in found}
    assert {"the cap", "the goal", "`not_again`"} == kinds
    for each in found:
        assert each.where.line is not None
        line = (root / each.where.file).read_text().splitlines()[each.where.line - 1]
        assert format_duration(each.span) in line
    assert [] == too_short(project)

    longest = max(each.span for each in found)
    settings = root / "config" / "tidings.yaml"
    text = settings.read_text()
    settings.write_text(f"{text}retention: {{messages: {format_duration(longest)}}}\n")
    assert check(root).ok
    settings.write_text(f"{text}retention: {{messages: 8d}}\n")
    said = [finding for finding in check(root).findings if "further than messages are kept" in finding.reason]
    assert {each.where for each in found if each.span > timedelta(days=8)} == {
        Where(finding.file, finding.line, finding.column) for finding in said
    }
    assert all(finding.level == "error" and "it is 8d" in finding.fix for finding in said)
