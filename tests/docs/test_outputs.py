"""What README and tour print is what the commands printed."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

from tests.docs.blocks import write_workspace
from tests.docs.conftest import ROOT
from tidings.project import load_project
from tidings.verbs.approve import approve
from tidings.verbs.deliver import deliver
from tidings.verbs.plan import plan
from tidings.verbs.refresh import refresh

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OUTPUTS = ROOT / "docs" / "output"


def test_generated_blocks_are_up_to_date() -> None:
    """Cog, run on README and every page, would change nothing; `make docs` writes them anew."""
    cog = Path(sys.executable).with_name("cog")
    pages = sorted(page.relative_to(ROOT).as_posix() for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
    done = subprocess.run([cog, "--check", "--diff", *pages], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_readme_and_tour_show_what_was_recorded(generate: ModuleType) -> None:
    """Each recorded output stands in the tour, that of `plan` in README too; what was not recorded is not shown."""
    tour, readme = ((ROOT / page).read_text(encoding="utf-8") for page in ("docs/tour.md", "README.md"))
    recorded = {path.stem: path.read_text(encoding="utf-8") for path in OUTPUTS.glob("*.txt")}
    assert set(recorded) <= set(generate._outputs.command_lines("anybody"))
    assert all(f"```console\n{text}```" in tour for text in recorded.values())
    assert tour.count("```console") == len(recorded)
    assert all(f"```console\n{text}```" in readme for name, text in recorded.items() if name == "plan")
    assert readme.count("```console") == len({"plan"} & set(recorded))


def test_recorded_outputs_fit_a_terminal_and_name_no_machine() -> None:
    """At most 80 columns, and no absolute path."""
    for path in OUTPUTS.glob("*.txt"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("$ tidings ")
        assert [line for line in lines if len(line) > 80 or " /" in f" {line}"] == []


def test_the_five_commands_are_recorded_with_short_paths(generate: ModuleType, tmp_path: Path) -> None:
    """In a workspace that has sent something each of them works, prints at most 80 columns and no path of ours."""
    write_workspace(tmp_path)
    overlay = f'channels: {{email: {{providers: [outbox]}}}}\nclock: {{at: "{NOW.isoformat()}"}}\n'
    (tmp_path / "config" / "local.yaml").write_text(overlay)
    project = load_project(tmp_path)
    refresh(project, NOW)
    approve(project, "win_back", NOW, who="lan@example.com")
    plan(project, "win_back", NOW, commit=True)
    deliver(project, NOW + timedelta(days=1, hours=8))
    recorded = dict(generate._outputs.record(tmp_path))
    assert list(recorded) == list(generate._outputs.command_lines("anybody"))
    assert str(tmp_path) not in "".join(recorded.values())
    assert max(len(line) for text in recorded.values() for line in text.splitlines()) <= 80
    assert "Not in the audience" in recorded["plan"]
    assert "already_inside" in recorded["why"]


def test_what_differs_between_two_demos_is_left_out_of_a_comparison(generate: ModuleType) -> None:
    """Random ids are masked, hashes of content are not."""
    told = f"snapshot {'0a' * 16}\ndefinition {'0b' * 32}\n"
    assert generate._outputs.comparable(told) == f"snapshot …\ndefinition {'0b' * 32}\n"
