"""Loading a workspace: where it is, what is in it, what is collected when it is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.data.mistakes.table import new_workspace
from tidings.errors import ProjectErrors, TidingsError
from tidings.project import find_root, load_project, read_project


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace without mistakes."""
    return new_workspace(tmp_path)


def said(root: Path) -> list[str]:
    """Every mistake that stops the project."""
    with pytest.raises(ProjectErrors) as caught:
        load_project(root)
    return str(caught.value).splitlines()


def campaign(root: Path, name: str, **keys: str) -> None:
    """A campaign of one letter, with these keys added or replaced."""
    whole = {
        "campaign": name,
        "title": "A letter",
        "aim": "care",
        "owner": "lan@example.com",
        "schedule": '"@daily"',
        "audience": "{include: loyal}",
        "steps": "[{send: email, template: hello/brief, offer: ten_percent}]",
    }
    text = "".join(f"{key}: {value}\n" for key, value in (whole | keys).items())
    (root / "config" / "campaigns" / f"{name}.yaml").write_text(text)


def test_the_root_is_the_nearest_folder_with_the_marker(workspace: Path) -> None:
    """From anywhere inside, also from a file; nowhere else."""
    assert find_root(workspace / "config" / "campaigns") == workspace
    assert find_root(workspace / "segments" / "loyal.yaml") == workspace
    with pytest.raises(TidingsError, match=r"run `tidings init FOLDER`, or say where the workspace is with --root"):
        find_root(workspace.parent)


def test_a_project_holds_what_the_files_say(workspace: Path) -> None:
    """Nouns by name, documents by file, folders below the root."""
    project = load_project(workspace)
    assert (set(project.campaigns), set(project.segments), set(project.offers)) == (
        {"hello"},
        {"loyal", "fresh"},
        {"ten_percent"},
    )
    assert set(project.documents) == {
        "config/tidings.yaml",
        "config/campaigns/hello.yaml",
        "config/offers/ten_percent.yaml",
        "segments/loyal.yaml",
        "segments/fresh.yaml",
    }
    assert (project.state, project.warehouse_folder) == (workspace / ".tidings", workspace / "data")


def test_now_is_what_is_typed_then_the_setting_then_the_clock(workspace: Path) -> None:
    """Text without an offset is in the workspace's zone."""
    project = load_project(workspace)
    assert project.now("2026-07-01T09:00") == datetime(2026, 7, 1, 8, tzinfo=UTC)
    assert abs(project.now() - datetime.now(UTC)).total_seconds() < 60
    (workspace / "config" / "local.yaml").write_text("clock: {at: 2026-11-22T09:00:00+07:00}\n")
    project = load_project(workspace)
    assert project.now() == datetime(2026, 11, 22, 2, tzinfo=UTC)
    assert project.now("2026-07-01") == datetime(2026, 6, 30, 23, tzinfo=UTC)


def test_a_file_that_is_broken_makes_no_second_mistake(workspace: Path) -> None:
    """Whoever names a segment whose file cannot be read has done nothing wrong."""
    (workspace / "segments" / "loyal.yaml").write_text("segment: loyal\ntitle: Loyal\n")
    assert said(workspace) == ["segments/loyal.yaml:1:1: the key 'where' is missing; add `where:`"]


def test_files_that_would_be_overlooked_are_mistakes(workspace: Path) -> None:
    """Another ending, a folder below: nobody should wonder why a campaign never runs."""
    (workspace / "segments" / "old").mkdir()
    (workspace / "segments" / "old" / "gone.yaml").write_text("segment: gone\n")
    (workspace / "config" / "campaigns" / "late.yml").write_text("campaign: late\n")
    assert said(workspace) == [
        "config/campaigns/late.yml:1:1: the file is not read; move it to config/campaigns/late.yaml",
        "segments/old/gone.yaml:1:1: the file is not read; move it to segments/gone.yaml",
    ]


def test_mistakes_come_in_the_order_of_files_and_lines(workspace: Path) -> None:
    """So that they can be mended from top to bottom; each is said once."""
    campaign(workspace, "b_letter", schedule='"never"', timezone="Europe/Lisbn")
    campaign(workspace, "a_letter", audience="{include: loyall, exclude: [freshh, loyall]}")
    assert [line.split(": ")[0] for line in said(workspace)] == [
        "config/campaigns/a_letter.yaml:6:21",
        "config/campaigns/a_letter.yaml:6:39",
        "config/campaigns/a_letter.yaml:6:47",
        "config/campaigns/b_letter.yaml:8:11",
    ]


def test_a_reading_holds_what_could_be_read(workspace: Path) -> None:
    """`check` goes on with it; without usable settings there is no project."""
    campaign(workspace, "a_letter", audience="{include: loyall}")
    reading = read_project(workspace)
    assert reading.project is not None
    assert (reading.campaigns, reading.segments, len(reading.errors)) == (2, 2, 1)
    (workspace / "config" / "tidings.yaml").write_text("workspace: corner\n")
    reading = read_project(workspace)
    assert reading.project is None
    assert "config/campaigns/a_letter.yaml:6:21: there is no segment 'loyall'; did you mean 'loyal'?" in map(
        str, reading.errors
    )


def test_no_file_is_no_marker(tmp_path: Path) -> None:
    """A folder that is no workspace is said to be none, whoever asks."""
    with pytest.raises(ProjectErrors, match=r"^config/tidings.yaml: the file cannot be read: No such"):
        load_project(tmp_path)


@pytest.mark.parametrize(
    "schedule",
    ["0 9 * * *", "*/15 8-18 * * 1-5", "@daily", "0 9 1 * *", "{once: 2026-11-22T09:00}", "{after: refresh}"],
)
def test_schedules_that_come_due(workspace: Path, schedule: str) -> None:
    """Five fields, a word, a moment or a refresh."""
    campaign(workspace, "letter", schedule=schedule if schedule.startswith("{") else f'"{schedule}"')
    assert "letter" in load_project(workspace).campaigns


@pytest.mark.parametrize(
    "schedule", ["0 9 * *", "0 9 * * * *", "0 9 30 2 *", "every day", "@noon", "{once: tomorrow}", "61 * * * *"]
)
def test_schedules_that_never_come_due(workspace: Path, schedule: str) -> None:
    """Also the thirtieth of February, and six fields, which Airflow reads differently."""
    campaign(workspace, "letter", schedule=schedule if schedule.startswith("{") else f'"{schedule}"')
    [line] = said(workspace)
    assert line.startswith("config/campaigns/letter.yaml:5:")
    assert "is not a cron expression" in line or "'tomorrow' is not a time; write 2026-11-22" in line


@pytest.mark.parametrize(
    ("keys", "at", "expected"),
    [
        (
            {"audience": "{include: loyal, exclude: [{clicked: {step: brief, within: 3d}}]}"},
            "{step",
            "`clicked` names the step 'brief' of no campaign; add `campaign:`, or ask it in an `if` of that campaign",
        ),
        (
            {"audience": "{include: loyal, exclude: [ordered]}"},
            "ordered",
            "there is no segment 'ordered'; known: fresh, loyal",
        ),
        (
            {"audience": "{include: loyal, exclude: [{ordered: {}}]}"},
            "{}",
            "`ordered` needs `within` here; say how far back: within: 30d",
        ),
        (
            {"audience": "{include: loyal, exclude: [{clicked: {campaign: helo, within: 3d}}]}"},
            "helo",
            "there is no campaign 'helo'; did you mean 'hello'?",
        ),
        (
            {"audience": "{include: loyal, exclude: [{clicked: {campaign: hello, step: note_, within: 3d}}]}"},
            "note_",
            "there is no send step 'note_'; did you mean 'note'?",
        ),
        (
            {"audience": "{include: {any: [loyal, {in_segment: fresch}]}}"},
            "fresch",
            "there is no segment 'fresch'; did you mean 'fresh'?",
        ),
        (
            {"audience": "{include: {any: []}}"},
            "[]",
            "`any` needs a list of conditions; write any: [one, another]",
        ),
        (
            {"audience": "{include: {not: [loyal]}}"},
            "[loyal",
            "`not` takes one condition, not a list; write not: {any: [...]}",
        ),
        (
            {"audience": "{include: {any: [loyal, 7]}}"},
            "7",
            "7 is not a condition; write a name, or a mapping such as any: [...]",
        ),
        (
            {"steps": "[{send: email, template: x/y, recommend: {strategy: popular, count: 2, at_least: 3}}]"},
            "3}",
            "at_least 3 is more than count 2; ask for as many as are shown, or fewer",
        ),
        (
            {"steps": "[{id: a, wait: 1d}, {id: b, if: {clicked: {campaign: hello}}, then: [{id: c, wait: 1d}]}]"},
            "hello",
            (
                "a branch asks about its own campaign only;"
                " remove `campaign`, or put the condition into a segment and ask in_segment"
            ),
        ),
        (
            {"purpose": "service", "steps": "[{send: email, template: x/y}]", "holdout": "{share: 10%}"},
            "holdout",
            "a service campaign holds nobody out; remove it: everybody gets a service message",
        ),
        (
            {"steps": "[{send: email, template: x/y, variants: [{id: a, share: 50%}, {id: a, share: 50%}]}]"},
            "a, share: 50%}]",
            "the variant id 'a' is used twice; rename one; ids are unique in a step and never reused",
        ),
    ],
)
def test_what_does_not_go_together_in_a_campaign(workspace: Path, keys: dict[str, str], at: str, expected: str) -> None:
    """Each at its own place, with the nearest name where a name is wrong."""
    campaign(workspace, "letter", **keys)
    before, _, _ = (workspace / "config" / "campaigns" / "letter.yaml").read_text().rpartition(at)
    place = f"{before.count(chr(10)) + 1}:{len(before.rpartition(chr(10))[2]) + 1}"
    assert said(workspace) == [f"config/campaigns/letter.yaml:{place}: {expected}"]


def test_an_expression_may_stand_where_a_segment_may(workspace: Path) -> None:
    """One bare word is a segment's name, anything else SQL, which `check` looks into."""
    campaign(workspace, "letter", audience='{include: {all: [loyal, "orders >= 5"]}}')
    assert "letter" in load_project(workspace).campaigns


def test_every_circle_is_said_once(workspace: Path) -> None:
    """At the reference in its alphabetically first segment; a segment that asks itself is one too."""
    for name, asked in {"a": "b", "b": "c", "c": "a", "self": "self", "outside": "a"}.items():
        (workspace / "segments" / f"{name}.yaml").write_text(
            f"segment: {name}\ntitle: {name}\nwhere: [{{in_segment: {asked}}}]\n"
        )
    assert [line.split(";")[0] for line in said(workspace)] == [
        "segments/a.yaml:3:22: segments that ask each other: a → b → c → a",
        "segments/self.yaml:3:22: segments that ask each other: self → self",
    ]


def test_a_plugin_that_fails_over_its_arguments_is_contained(workspace: Path) -> None:
    """The mistake stands where it was asked, with the plugin's name; others are found all the same (R55)."""  # R55
    (workspace / "plugins").mkdir()
    (workspace / "plugins" / "odd.py").write_text(
        "from pydantic import field_validator\n"
        "from tidings.hookspecs import hookimpl\n"
        "from tidings.model.base import Noun\n"
        "from tidings.model.seams import Condition\n\n\n"
        "class Odd(Condition):\n"
        "    name = 'odd'\n\n"
        "    class Config(Noun):\n"
        "        number: int\n\n"
        "        @field_validator('number')\n"
        "        @classmethod\n"
        "        def _half(cls, number):\n"
        "            return number / 0\n\n"
        "    def sql(self, now):\n"
        "        return 'TRUE'\n\n\n"
        "@hookimpl\n"
        "def register_conditions():\n"
        "    return [Odd]\n"
    )
    campaign(workspace, "letter", audience="{include: loyal, exclude: [{odd: 3}, freshh]}")
    assert said(workspace) == [
        (
            "config/campaigns/letter.yaml:6:44: the condition 'odd' fails: ZeroDivisionError: division by zero;"
            " mend the plugin that registers it"
        ),
        "config/campaigns/letter.yaml:6:48: there is no segment 'freshh'; did you mean 'fresh'?",
    ]
