"""What README and tour print is what the commands printed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest

from tests.docs.blocks import write_workspace
from tests.docs.conftest import ROOT
from tidings.cli.views import check_view
from tidings.content.sources import string_files
from tidings.planning.definition import definition_of
from tidings.project import load_project
from tidings.verbs.approve import approve
from tidings.verbs.check import check
from tidings.verbs.deliver import deliver
from tidings.verbs.plan import plan
from tidings.verbs.refresh import refresh
from tidings.yamlfile import read_yaml

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OUTPUTS = ROOT / "docs" / "output"


def recorded() -> dict[str, str]:
    """What was recorded, by the name of its command."""
    return {path.stem: path.read_text(encoding="utf-8") for path in OUTPUTS.glob("*.txt")}


def test_readme_and_tour_show_what_was_recorded(generate: ModuleType) -> None:
    """All five outputs are recorded and whole in the tour; README has that of `plan` whole and the others in short."""
    tour, readme = ((ROOT / page).read_text(encoding="utf-8") for page in ("docs/tour.md", "README.md"))
    five = {name: text for name, text in recorded().items() if name not in generate._outputs.PAGES}
    assert set(five) == set(generate._outputs.command_lines("anybody")) == {"plan", *generate._outputs.IN_SHORT}
    assert [name for name, text in five.items() if f"```console\n{text}```" not in tour] == []
    assert tour.count("```console") == len(five)
    assert f"```console\n{recorded()['plan']}```" in readme
    assert generate.outputs_in_short() in readme
    assert readme.count("```console") == 2


def test_other_pages_show_what_was_recorded(generate: ModuleType) -> None:
    """Each output and each picture stands in one page, the output under its command, the picture with words for it."""
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))
    for name, words in generate._outputs.PAGES.items():
        assert recorded()[name].startswith(f"$ tidings {' '.join(words)}\n")
        assert pages.count(f"```console\n{recorded()[name]}```") == 1
    for name in generate._outputs.PICTURES:
        assert (OUTPUTS / f"{name}.png").stat().st_size < 60 * 1024
        assert len(re.findall(rf"!\[[^\]]{{40,}}\]\(output/{name}\.png\)", pages)) == 1


def test_the_recorded_profit_adds_up() -> None:
    """Margin less costs is profit; the tenths end at it; less what nobody caused it is what is left."""
    lines = recorded()["profit"].splitlines()
    begin, end = (next(i for i, line in enumerate(lines) if line.startswith(word)) for word in ("revenue", "tenth"))
    rows = [line.rsplit(maxsplit=1) for line in lines[begin:end] if line]
    told = {words: Decimal(figure.replace(",", "")) for words, figure in rows}
    profit = told["profit of customers"]
    assert told["margin of customers"] + told["costs assigned to customers"] == profit
    left = [figure for words, figure in told.items() if words.startswith("costs that")]
    assert profit + sum(left) == told["what is left"]
    [last] = [line.split() for line in lines if line.startswith("   10 ")]
    assert Decimal(last[3].replace(",", "")) == profit


def test_an_output_in_short_is_made_of_its_own_lines(generate: ModuleType) -> None:
    """The command and what answers it, word by word; `…` where lines before it are left out."""
    why = "$ tidings why H1 x\nH1 and x\ngate  open\nH1 would be sent to\nnext: tidings plan x\n"
    assert generate._outputs.in_short("why", why) == "$ tidings why H1 x\n…\nH1 would be sent to\n"
    check = "$ tidings check\n4 campaigns: no mistakes\nnext: tidings refresh\n"
    assert generate._outputs.in_short("check", check) == "$ tidings check\n4 campaigns: no mistakes\n"


def test_what_was_recorded_is_said_of_the_workspace_as_it_is(
    generate: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of `check`, the plan's definition, the gates of `why`, the subject; otherwise record them anew.

    The people are the demo's, and a demo takes minutes: their numbers are not compared.
    """
    write_workspace(tmp_path)
    project, said = load_project(tmp_path), recorded()
    campaign = project.campaigns["win_back"]
    check_view(check(tmp_path))
    assert said["check"] == f"$ tidings check\n{capsys.readouterr().out}"
    assert f"\ndefinition {definition_of(project, campaign)}\n" in said["plan"]
    assert said["plan"].splitlines()[1] == f"win_back: {campaign.title}"
    entry, send = generate._gates(project, "win_back")
    asked = [words[0] for line in said["why"].splitlines() if (words := line.split())[1] in ("yes", "no")]
    assert asked == [*entry, *send][: len(asked)]
    assert len(asked) > 3
    subject, locale = said["preview"].splitlines()[1].rsplit("  in ", 1)
    assert subject in read_yaml(string_files(tmp_path, "win_back/miss_you")[locale], tmp_path).data.values()


def test_the_recorded_plan_adds_up() -> None:
    """Each no leaves as many as stand beside it, down to who is planned."""
    lines = recorded()["plan"].splitlines()
    first, last = (
        next(i for i, line in enumerate(lines) if line.startswith(word)) for word in ("considered", "planned")
    )
    left = int(lines[first].split()[-1].replace(",", ""))
    for line in lines[first + 1 : last]:
        no, remaining = (int(number.replace(",", "")) for number in line.split()[-2:])
        left -= no
        assert left == remaining, line
    assert left == int(lines[last].split()[-1].replace(",", ""))


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
