"""Loading a workspace: where it is, what is in it, what is collected when it is wrong."""

from __future__ import annotations

import json
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
    """So that they can be mended from top to bottom; each is said once, and none hides another of its file."""
    campaign(workspace, "b_letter", schedule='"never"', timezone="Europe/Lisbn")
    campaign(workspace, "a_letter", audience="{include: loyall, exclude: [freshh, loyall]}")
    assert [line.split(": ")[0] for line in said(workspace)] == [
        "config/campaigns/a_letter.yaml:6:21",
        "config/campaigns/a_letter.yaml:6:39",
        "config/campaigns/a_letter.yaml:6:47",
        "config/campaigns/b_letter.yaml:5:11",
        "config/campaigns/b_letter.yaml:8:11",
    ]


def test_a_reading_holds_what_could_be_read(workspace: Path) -> None:
    """`check` goes on with it, with stand-ins for settings that are wrong, missing or not to be read."""
    campaign(workspace, "a_letter", audience="{include: loyall}")
    reading = read_project(workspace)
    assert (reading.campaigns, reading.segments, len(reading.errors)) == (2, 2, 1)
    assert not reading.settings.doubts(("warehouse",))
    for text in ("workspace: corner\n", "workspace: [\n", "workspace: corner\nchannels: 3\n"):
        (workspace / "config" / "tidings.yaml").write_text(text)
        reading = read_project(workspace)
        assert set(reading.project.campaigns) == {"hello", "a_letter"}
        own = [str(error) for error in reading.errors if not str(error).startswith("config/tidings.yaml")]
        assert own == ["config/campaigns/a_letter.yaml:6:21: there is no segment 'loyall'; did you mean 'loyal'?"]


def test_no_file_is_no_marker(tmp_path: Path) -> None:
    """A folder that is no workspace is said to be none, whoever asks."""
    with pytest.raises(ProjectErrors, match=r"^config/tidings.yaml: the file cannot be read: No such"):
        load_project(tmp_path)


SEVERAL = """campaign: letter
title: A letter
aim: caer
owner: lan@example.com
schedule: "@daily"
audience: {include: loyall, exclude: [7, freshh]}
goal: {event: order, where: {catgory: Tea}, within: 0d}
steps:
  - {id: a, wait: 22:00}
  - {id: b, send: emial, template: hello/brief, offer: ten_per_cent, send_at: {local: "9"}}
  - {send: {any_of: [smss, email]}, template: hello/note, expires: 0d}
  - id: c
    if: {clicked: {step: bb}}
    then:
      - {id: a, wait: {until: gaol, timeout: 1d}}
"""


def test_no_mistake_of_a_campaign_hides_another(workspace: Path) -> None:
    """Values, names of other files, ids and how steps go together: all of one file, at once."""
    (workspace / "config" / "campaigns" / "letter.yaml").write_text(SEVERAL)
    assert [line.removeprefix("config/campaigns/letter.yaml:") for line in said(workspace)] == [
        "3:6: 'caer' is not a value of `aim`; did you mean 'care'?",
        "6:21: there is no segment 'loyall'; did you mean 'loyal'?",
        "6:39: 7 is not a condition; write a name, or a mapping such as any: [...]",
        "6:42: there is no segment 'freshh'; did you mean 'fresh'?",
        "7:30: unknown key 'catgory'; did you mean 'category'?",
        "7:53: '0d' is no time at all; write a longer one, such as 5d",
        "9:19: '22:00' is not a duration; write a number and m, h, d or w, such as 5d",
        "10:19: there is no channel 'emial'; did you mean 'email'?",
        "10:56: there is no offer 'ten_per_cent'; did you mean 'ten_percent'?",
        "10:87: '9' is not a time of day; write hours and minutes, such as \"09:00\"",
        "11:5: the step has no id; add `id:`; one step alone may go without",
        "11:22: there is no channel 'smss'; did you mean 'sms'?",
        "11:68: '0d' is no time at all; write a longer one, such as 5d",
        "13:26: there is no send step 'bb'; did you mean 'b'?",
        "15:14: the step id 'a' is used twice; rename one; ids are unique in a campaign and never reused",
        "15:31: 'gaol' is not a value of `until`; did you mean 'goal'?",
    ]


def test_no_mistake_of_a_segment_or_the_settings_hides_another(workspace: Path) -> None:
    """A wrong key beside an unknown condition, a wrong setting beside a provider's own and an unknown channel."""
    segment = (
        "segment: late\ntitel: Late\nwhere: [bougt: {}, 7, in_segment: frsh, ordered: {at_least: true, within: 3d}]\n"
    )
    (workspace / "segments" / "late.yaml").write_text(segment)
    marker = workspace / "config" / "tidings.yaml"
    text = marker.read_text().replace("workspace: corner", "workspace: Corner Shop\nclokc: {}")
    marker.write_text(text.replace("username: shop", "usrename: shop").replace("  email: {max: 2", "  emial: {max: 2"))
    campaign(workspace, "letter", steps="[{send: emial, template: hello/brief, offer: ten_percent}]")
    assert said(workspace) == [
        "config/campaigns/letter.yaml:7:16: there is no channel 'emial'; did you mean 'email'?",
        "config/tidings.yaml:1:12: 'Corner Shop' is not a name; use lower-case letters, digits and _, letter first",
        "config/tidings.yaml:2:1: unknown key 'clokc'; did you mean 'clock'?",
        "config/tidings.yaml:12:27: unknown key 'usrename'; did you mean 'username'?",
        "config/tidings.yaml:14:3: there is no channel 'emial'; did you mean 'email'?",
        "segments/late.yaml:2:1: unknown key 'titel'; did you mean 'title'?",
        "segments/late.yaml:3:9: there is no condition 'bougt'; did you mean 'bought'?",
        "segments/late.yaml:3:20: 7 is not a condition; write a name, or a mapping such as any: [...]",
        "segments/late.yaml:3:35: there is no segment 'frsh'; did you mean 'fresh'?",
        ("segments/late.yaml:3:61: in `ordered`: true is not a whole number; write digits without a leading 0"),
    ]


def test_what_a_broken_file_would_have_said_is_asked_of_nobody(workspace: Path) -> None:
    """Channels that cannot be read, the steps of a broken campaign, a goal that is wrong: no second mistake."""
    campaign(workspace, "broken", steps="[{id: Brief, send: email, template: hello/brief, offer: ten_percent}]")
    campaign(
        workspace,
        "letter",
        audience="{include: loyal, exclude: [{clicked: {campaign: broken, step: whatever, within: 3d}}]}",
        goal="3",
        steps="[{id: a, wait: {until: goal, timeout: 1d}}, {id: b, send: email, template: hello/note, variants:"
        " [{id: x, share: 50%}, {id: x2, share: half}]}]",
    )
    marker = workspace / "config" / "tidings.yaml"
    marker.write_text(marker.read_text().replace("channels:\n", "chanels:\n"))
    assert [line.split(";")[0] for line in said(workspace)] == [
        "config/campaigns/broken.yaml:7:14: 'Brief' is not a name",
        "config/campaigns/letter.yaml:7:143: 'half' is not a share",
        "config/campaigns/letter.yaml:8:7: `goal` must be a mapping of keys and values, not 3",
        "config/tidings.yaml:7:1: unknown key 'chanels'",
    ]


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("letter_2", "rename the file to letter.yaml, or write `campaign: letter_2`"),
        ("My Letter", "rename the file to letter.yaml"),
    ],
)
def test_a_file_with_another_name_gets_one_that_can_be_a_campaign_s(workspace: Path, name: str, fix: str) -> None:
    """What is proposed is a legal name; the rest of the file is looked into all the same."""
    campaign(workspace, "letter", audience="{include: loyall}")
    folder = workspace / "config" / "campaigns"
    (folder / "letter.yaml").rename(folder / f"{name}.yaml")
    assert said(workspace) == [
        f"config/campaigns/{name}.yaml:1:11: the file is called {name}, the campaign in it letter; {fix}",
        f"config/campaigns/{name}.yaml:6:21: there is no segment 'loyall'; did you mean 'loyal'?",
    ]


def test_a_key_with_nothing_behind_it_is_a_mistake(workspace: Path) -> None:
    """It would be read as if it were not there: no holdout, no quiet hours, anything bought."""
    campaign(
        workspace,
        "letter",
        holdout="",
        title="",
        audience="{include: loyal, exclude: [{bought: {category: , within: 3d}}]}",
    )
    marker = workspace / "config" / "tidings.yaml"
    marker.write_text(marker.read_text().replace("quiet_hours: {start: 22:00, end: 08:00}", "quiet_hours:"))
    assert [line.partition(": ")[2] for line in said(workspace)] == [
        "`title` is empty; write text, or remove the key",
        "in `bought`: `category` is empty; write a value, or remove the key",
        "`holdout` is empty; write a value, or remove the key",
        "`quiet_hours` is empty; write a value, or remove the key",
    ]


def test_only_some_providers_can_cancel_what_is_in_doubt(workspace: Path) -> None:
    """A guarantee that the channel's provider cannot give is a mistake at its place; the outbox harms nobody (R10)."""
    campaign(workspace, "letter", guarantee="cancel_in_doubt")
    local = workspace / "config" / "local.yaml"
    settings = {"smtp": {"port": 2525}, "sendgrid": {"api_key": {"secret": "key"}}, "outbox": {}}
    for names in (["sendgrid"], ["outbox"]):
        how = {"email": {"providers": names}}
        local.write_text(json.dumps({"channels": how, "providers": settings}))
        assert load_project(workspace).campaigns["letter"].guarantee == "cancel_in_doubt"
    local.write_text(json.dumps({"channels": {"email": {"providers": ["sendgrid", "smtp"]}}, "providers": settings}))
    [line] = said(workspace)
    assert "smtp, which carries email, cannot cancel what is in doubt" in line
    assert line.startswith("config/campaigns/letter.yaml:")


def test_null_in_an_upper_layer_takes_a_value_away(workspace: Path) -> None:
    """Written out it is a value: this machine knows no quiet hours."""
    (workspace / "config" / "local.yaml").write_text("quiet_hours: null\n")
    assert load_project(workspace).settings.quiet_hours is None


@pytest.mark.parametrize(
    "schedule",
    [
        "0 9 * * *",
        "*/15 8-18 * * 1-5",
        "@daily",
        "0 9 1 * *",
        "0 8 * * 2#1",
        "0 9 L * *",
        "0 9 * JAN-jun mon,fri",
        "0 9 * * L5",
        "{once: 2026-11-22T09:00}",
        "{after: refresh}",
    ],
)
def test_schedules_that_come_due(workspace: Path, schedule: str) -> None:
    """Five fields, a word, a moment or a refresh."""
    campaign(workspace, "letter", schedule=schedule if schedule.startswith("{") else f'"{schedule}"')
    assert "letter" in load_project(workspace).campaigns


@pytest.mark.parametrize(
    "schedule",
    [
        "0 9 * *",
        "0 9 * * * *",
        "0 9 30 2 *",
        "every day",
        "@noon",
        "{once: tomorrow}",
        "61 * * * *",
        "0 9 ? * *",
        "0 9 1W * *",
    ],
)
def test_schedules_that_never_come_due(workspace: Path, schedule: str) -> None:
    """Also the thirtieth of February, and six fields, which Airflow reads differently."""
    campaign(workspace, "letter", schedule=schedule if schedule.startswith("{") else f'"{schedule}"')
    [line] = said(workspace)
    assert line.startswith("config/campaigns/letter.yaml:5:")
    assert "is not a cron expression" in line or "'tomorrow' is not a time; write 2026-11-22" in line


@pytest.mark.parametrize("schedule", ["R R R * *", "0 r * * *", "H H * * *", "R(0-10) 9 * * *", "H/15 * * * *"])
def test_a_schedule_that_is_drawn_is_none(workspace: Path, schedule: str) -> None:
    """A minute that is another one at each reading would make occasions that nobody meets again (R01)."""  # R01
    campaign(workspace, "letter", schedule=f'"{schedule}"')
    [line] = said(workspace)
    drawn = next(letter for letter in schedule if letter.isalpha())
    assert line == (
        f"config/campaigns/letter.yaml:5:11: `{drawn}` in a schedule stands for another time at each reading;"
        " write the minute and the hour out"
    )


@pytest.mark.parametrize("moment", ["0001-01-01T00:00+07:00", "9999-12-31"])
def test_a_campaign_runs_once_in_a_time_that_there_is(workspace: Path, moment: str) -> None:
    """The ends of the calendar have no date in another zone."""
    campaign(workspace, "letter", schedule=f"{{once: {moment}}}")
    [line] = said(workspace)
    assert line == (
        f"config/campaigns/letter.yaml:5:18: '{moment}' is no time to reckon with; write a year from 1900 to 2199"
    )


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


def test_a_circle_may_be_made_of_bare_words(workspace: Path) -> None:
    """A segment's name alone asks about it as in_segment does; a word that is no segment's name is a column."""
    for name, where in {"hen": "[egg]", "egg": "[{any: [chick, {not: hen}]}]", "chick": "[member]"}.items():
        (workspace / "segments" / f"{name}.yaml").write_text(f"segment: {name}\ntitle: {name}\nwhere: {where}\n")
    assert [line.split(";")[0] for line in said(workspace)] == [
        "segments/egg.yaml:3:29: segments that ask each other: egg → hen → egg"
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


BIG = (
    "from tidings.hookspecs import hookimpl\n"
    "from tidings.model.base import Noun\n"
    "from tidings.model.scalars import Duration\n"
    "from tidings.model.seams import Condition\n\n\n"
    "class Big(Condition):\n"
    "    name = 'big'\n\n"
    "    class Config(Noun):\n"
    "        within: Duration | None = None\n\n"
    "    def sql(self, now):\n"
    "        return 'TRUE'\n\n\n"
    "@hookimpl\n"
    "def register_conditions():\n"
    "    return [Big]\n"
)


def test_a_plugin_s_event_says_how_far_back_everywhere(workspace: Path) -> None:
    """Only the built-in ones are asked of the time since entry: in an `if` too, the snapshot answers all others."""
    (workspace / "plugins").mkdir()
    (workspace / "plugins" / "big.py").write_text(BIG)
    steps = "[{id: a, if: {any: [{ordered: {}}, {big: {}}, {big: {within: 3d}}]}, then: [{id: b, wait: 1d}]}]"
    campaign(workspace, "letter", steps=steps)
    assert said(workspace) == [
        "config/campaigns/letter.yaml:7:49: `big` needs `within` here; say how far back: within: 30d"
    ]


def test_a_registry_that_breaks_hides_nothing(workspace: Path) -> None:
    """A class that does not fit is named, what fits is known, and every file is looked into (R55)."""  # R55
    (workspace / "plugins").mkdir()
    (workspace / "plugins" / "big.py").write_text(BIG.replace("    def sql", "    def sqll"))
    campaign(workspace, "letter", audience="{include: loyall, exclude: [{bought: {within: 3d}}]}")
    marker = workspace / "config" / "tidings.yaml"
    marker.write_text(marker.read_text().replace("providers: [outbox]", "providers: [outbx]"))
    assert said(workspace) == [
        "config/campaigns/letter.yaml:6:21: there is no segment 'loyall'; did you mean 'loyal'?",
        "config/tidings.yaml:9:21: there is no provider 'outbx'; did you mean 'outbox'?",
        "plugins/big.py:17:1: the condition Big lacks sql; write what its interface asks for",
    ]
