"""check: the table of mistakes, one by one and all at once, and what is only a warning."""

from __future__ import annotations

import shutil
from datetime import time
from pathlib import Path

import pytest

from tests.data.mistakes.table import Mistake, mistakes, new_workspace
from tidings.errors import TidingsError, Where
from tidings.model.counts import CheckShape, Finding
from tidings.project import load_project
from tidings.testing.sendgrid_emulator import SendGridEmulator
from tidings.verbs.check import check

ODD = """from tidings.hookspecs import hookimpl
from tidings.model.base import Noun
from tidings.model.seams import Condition


class Odd(Condition):
    name = "odd"
    Config = Noun

    def sql(self, now):
{sql}


@hookimpl
def register_conditions():
    return [Odd]
"""


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


KINDS = (
    "An unknown key", "A key of the wrong kind", "An unknown segment", "An unknown template",
    "A variable no template has", "An unknown channel", "A schedule that is not cron", "A duration that is not one",
    "A share of more than 100 %", "An id used twice", "A step without an id", "A missing key", "A tab",
    "An empty file", "A key written twice", "`22:00`, which is text", "`no`, which is text", "`on`, which is text",
    "Segments that ask each other", "A secret in clear",
)  # fmt: skip


def test_the_table_has_every_kind_of_mistake() -> None:
    """These at least, each title once."""
    titles = [mistake.title for mistake in mistakes()]
    assert [kind for kind in KINDS if kind not in titles] == []
    assert len(set(titles)) == len(titles)


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
    assert all("columns are not checked: the warehouse folder" in warning for warning in warnings)
    assert (found.campaigns, found.segments >= 8, found.templates >= 6) == (4, True, True)


def test_without_a_warehouse_columns_pass_with_a_warning(tmp_path: Path) -> None:
    """A new workspace can be checked before its tables are there; the reason is said."""
    root = new_workspace(tmp_path)
    shutil.rmtree(root / "data")
    segment = root / "segments" / "fresh.yaml"
    segment.write_text(segment.read_text().replace("tenure_days", "shoe_size"))
    found = check(root)
    assert found.ok
    assert of_level(found, "warning") == [
        (
            f"config/tidings.yaml:1:1: columns are not checked: the warehouse folder {root}/data has no table"
            " 'customers'; put the tables there, or set warehouse.url"
        )
    ]


def setting(root: Path, text: str) -> None:
    """One more line at the end of config/tidings.yaml: the sixteenth."""
    with (root / "config" / "tidings.yaml").open("a") as file:
        file.write(f"{text}\n")


@pytest.mark.parametrize(
    ("warehouse", "expected"),
    [
        (
            "tables: {orders: ordrs}",
            "16:30: the warehouse folder {root}/data has no table 'ordrs'; did you mean 'orders'?",
        ),
        (
            "tables: {orders: select nothing from orders}",
            "16:30: the warehouse cannot be read (orders): Binder Error: ",
        ),
        ("tables: {orders: select 1; select 2}", "16:30: warehouse.tables.orders is not one SELECT; the warehouse is"),
        (
            "tables: {cases: select 1 as case_id}",
            "16:29: the table 'cases' lacks the columns 'customer_id', 'opened_at'",
        ),
        ("url: bogus://x", "16:18: warehouse.url is not the address of a database that Ibis knows; write one such as"),
        ("url: ''", "16:18: warehouse.url is not the address of a database that Ibis knows; write one such as"),
    ],
)
def test_what_a_refresh_would_trip_over_is_an_error(tmp_path: Path, warehouse: str, expected: str) -> None:
    """With its reason, where the settings have it; a mistake in the segments is found all the same."""
    root = new_workspace(tmp_path)
    setting(root, f"warehouse: {{{warehouse}}}")
    (root / "segments" / "late.yaml").write_text("segment: late\ntitle: Late\nwhere: [in_segment: frsh]\n")
    first, second = of_level(check(root), "error")
    assert first.startswith(f"config/tidings.yaml:{expected.format(root=root)}")
    assert second == "segments/late.yaml:3:21: there is no segment 'frsh'; did you mean 'fresh'?"


def test_a_table_that_is_missing_beside_others_is_an_error(tmp_path: Path) -> None:
    """The tables are there, so this one is called otherwise; columns are checked as far as they are known."""
    root = new_workspace(tmp_path)
    (root / "data" / "orders.csv").rename(root / "data" / "order.csv")
    (root / "segments" / "late.yaml").write_text("segment: late\ntitle: Late\nwhere: [shoe_size > 3]\n")
    assert [each.split("; ")[0] for each in of_level(check(root), "error")] == [
        f"config/tidings.yaml:1:1: the warehouse folder {root}/data has no table 'orders'",
        "segments/late.yaml:3:9: there is no column 'shoe_size'",
    ]


def test_a_column_in_a_feature_s_place_is_an_error(tmp_path: Path) -> None:
    """Of the second stage too: a segment that asks rfm_money would read theirs."""
    root = new_workspace(tmp_path)
    path = root / "data" / "customers.csv"
    header, row = path.read_text().splitlines()
    path.write_text(f"{header},rfm_money\n{row},5\n")
    [line] = of_level(check(root), "error")
    assert line.startswith("config/tidings.yaml:1:1: customers.rfm_money has the name of a feature; rename it in ware")


def test_a_database_that_cannot_be_reached_is_a_warning(tmp_path: Path) -> None:
    """A laptop without the company's network checks files, not columns."""
    root = new_workspace(tmp_path)
    setting(root, "warehouse: {url: 'duckdb:///nowhere/none.ddb'}")
    found = check(root)
    assert found.ok
    [line] = of_level(found, "warning")
    assert line.startswith(
        "config/tidings.yaml:16:18: columns are not checked: the warehouse cannot be read (duckdb): "
    )


def test_a_category_that_no_product_has_is_a_warning(tmp_path: Path) -> None:
    """In a goal and in a condition, where one is called nearly so; what comes later may be asked for today."""
    root = new_workspace(tmp_path)
    campaign = root / "config" / "campaigns" / "hello.yaml"
    text = campaign.read_text().replace("{event: order, within", "{event: order, where: {category: Tae}, within")
    campaign.write_text(text)
    where = "[{bought: {category: Teas, within: 9d}}, {not: {bought: {category: Coffee, within: 9d}}}]"
    (root / "segments" / "late.yaml").write_text(f"segment: late\ntitle: Late\nwhere: {where}\n")
    found = check(root)
    assert found.ok
    assert of_level(found, "warning") == [
        "config/campaigns/hello.yaml:7:40: no product has the category 'Tae'; did you mean 'Tea'?",
        "segments/late.yaml:3:29: no product has the category 'Teas'; did you mean 'Tea'?",
    ]


def test_conditions_are_read_as_of_a_time(tmp_path: Path) -> None:
    """What a plugin makes of `now` may depend on it; what is no time is said."""
    root = new_workspace(tmp_path)
    (root / "plugins").mkdir()
    sql = "        return str(1 / (now.year - 2027))"
    (root / "plugins" / "odd.py").write_text(ODD.format(sql=sql))
    (root / "segments" / "late.yaml").write_text("segment: late\ntitle: Late\nwhere: [odd: {}]\n")
    assert check(root, "2026-11-22").ok
    assert of_level(check(root, "2027-11-22"), "error") == [
        (
            "segments/late.yaml:3:14: the condition 'odd' fails: ZeroDivisionError: division by zero;"
            " mend the plugin that registers it"
        )
    ]
    with pytest.raises(TidingsError, match="'yesterday' is not a time"):
        check(root, "yesterday")


def test_a_language_that_one_template_lacks_is_a_warning(tmp_path: Path) -> None:
    """Readers of that language get the workspace's own; that is worth knowing, and no mistake."""
    root = new_workspace(tmp_path)
    (root / "templates" / "hello" / "note.vi.txt").unlink()
    found = check(root)
    assert found.ok
    assert of_level(found, "warning") == [
        (
            "templates/hello/note.en.txt:1:1: hello/note has no texts in vi, as other templates have;"
            " write them beside it; until then their readers get en"
        )
    ]


def test_broken_settings_hide_no_other_mistake(tmp_path: Path) -> None:
    """Campaigns, columns, templates and providers are looked into whatever config/tidings.yaml says."""
    root = new_workspace(tmp_path)
    marker = root / "config" / "tidings.yaml"
    text = marker.read_text().replace("workspace: corner", "workspace: Corner Shop").replace("\ncaps:", "\ncpas:")
    marker.write_text(text.replace("username: shop", "usrename: shop"))
    (root / "segments" / "late.yaml").write_text("segment: late\ntitel: Late\nwhere: [order >= 3]\n")
    strings = root / "templates" / "hello" / "brief.en.yaml"
    strings.write_text(strings.read_text().replace("first_name", "first_nme"))
    assert of_level(check(root), "error") == [
        "config/tidings.yaml:1:12: 'Corner Shop' is not a name; use lower-case letters, digits and _, letter first",
        "config/tidings.yaml:11:27: unknown key 'usrename'; did you mean 'username'?",
        "config/tidings.yaml:12:1: unknown key 'cpas'; did you mean 'caps'?",
        "segments/late.yaml:2:1: unknown key 'titel'; did you mean 'title'?",
        "segments/late.yaml:3:9: there is no column 'order'; did you mean 'orders'?",
        (
            "templates/hello/brief.en.yaml:3:8: there is no variable 'customer.first_nme';"
            " did you mean 'customer.first_name'?"
        ),
    ]


def test_settings_that_cannot_be_read_hide_no_other_mistake(tmp_path: Path) -> None:
    """Neither do those that do not say where the tables are: columns are not asked about then, and nothing is said."""
    root = new_workspace(tmp_path)
    (root / "segments" / "late.yaml").write_text(
        "segment: late\ntitle: Late\nwhere: [sum(orders) >= 3, shoe_size > 3]\n"
    )
    marker = root / "config" / "tidings.yaml"
    sound = marker.read_text()
    for text in (sound.replace("workspace:", "\tworkspace:"), f"{sound}warehouse: {{foldr: elsewhere}}\n"):
        marker.write_text(text)
        found = check(root)
        assert [each.file for each in found.findings] == ["config/tidings.yaml", "segments/late.yaml"]
        assert "`SUM(orders)` is not allowed in a condition" in found.findings[1].reason


def test_a_table_mapped_under_a_wrong_name_is_one_mistake(tmp_path: Path) -> None:
    """The table that was meant is not missed as well; columns are checked."""
    root = new_workspace(tmp_path)
    (root / "data" / "orders.csv").rename(root / "data" / "receipts.csv")
    setting(root, "warehouse: {tables: {ordrs: receipts}}")
    (root / "segments" / "late.yaml").write_text("segment: late\ntitle: Late\nwhere: [shoe_size > 3]\n")
    assert [each.split("; ")[0] for each in of_level(check(root), "error")] == [
        "config/tidings.yaml:16:22: unknown key 'ordrs'",
        "segments/late.yaml:3:9: there is no column 'shoe_size'",
    ]


SEVERAL = """campaign: letter
title: 3
aim: care
owner: lan@example.com
schedule: "@daily"
audience: {include: loyal, exclude: ["shoe_size > 3"]}
steps:
  - {id: a, send: emial, template: hello/breif, send_at: {local: "9"}}
  - {id: b, send: {any_of: [email, smss]}, template: hello/brief, expires: 0d, offer: ten_percent}
  - {send: sms, template: hello/nte}
  - {id: d, send: email}
  - {id: e, if: "order >= 3", then: [{id: f, wait: 22:00}]}
"""


def test_mistakes_of_every_kind_in_one_campaign_are_said_at_once(tmp_path: Path) -> None:
    """Values, names, ids, columns, templates; of a step whose channel is not there, the template is not asked about."""
    root = new_workspace(tmp_path)
    (root / "config" / "campaigns" / "letter.yaml").write_text(SEVERAL)
    said = [each.removeprefix("config/campaigns/letter.yaml:") for each in of_level(check(root), "error")]
    assert [each.partition("; known:")[0] for each in said] == [
        "2:8: `title` must be text, not 3; put it in quotes",
        "6:38: there is no column 'shoe_size'",
        "8:19: there is no channel 'emial'; did you mean 'email'?",
        "8:66: '9' is not a time of day; write hours and minutes, such as \"09:00\"",
        "9:36: there is no channel 'smss'; did you mean 'sms'?",
        "9:76: '0d' is no time at all; write a longer one, such as 5d",
        "10:5: the step has no id; add `id:`; one step alone may go without",
        "10:27: there is no template 'hello/nte'; did you mean 'hello/note'?",
        "11:5: the key 'template' is missing; add `template:`",
        "12:17: there is no column 'order'; did you mean 'orders'?",
        "12:52: '22:00' is not a duration; write a number and m, h, d or w, such as 5d",
    ]


def test_a_plugin_that_breaks_a_registry_is_contained(tmp_path: Path) -> None:
    """What does not fit is named; conditions, columns and templates are checked all the same (R55)."""  # R55
    root = new_workspace(tmp_path)
    (root / "plugins").mkdir()
    (root / "plugins" / "odd.py").write_text(ODD.format(sql="        return 3").replace("def sql", "def sqll"))
    (root / "segments" / "late.yaml").write_text("segment: late\ntitle: Late\nwhere: [order >= 3]\n")
    assert of_level(check(root), "error") == [
        "plugins/odd.py:14:1: the condition Odd lacks sql; write what its interface asks for",
        "segments/late.yaml:3:9: there is no column 'order'; did you mean 'orders'?",
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


def test_providers_are_asked_about_the_sender_only_online(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What SendGrid says stands at the address in the settings; without --online nobody is asked."""
    root = new_workspace(tmp_path)
    settings = root / "config" / "tidings.yaml"
    monkeypatch.setenv("TIDINGS_SECRET_SENDGRID_API_KEY", "SG.emulator")
    with SendGridEmulator() as emulator:
        account = f"sendgrid: {{host: {emulator.url}, api_key: {{secret: sendgrid_api_key}}}}"
        text = settings.read_text().replace("providers: [smtp]", "providers: [sendgrid]")
        text = text.replace("smtp: {host: 127.0.0.1, username: shop}", account)
        settings.write_text(f'{text}allow: ["*"]\n')
        assert check(root).ok
        found = check(root, online=True)
        [finding] = found.findings
        assert (False, 5, 17) == (found.ok, finding.line, finding.column)
        assert finding.reason.startswith("SendGrid refuses mail from news@example.com")
        emulator.account.domains.append({"domain": "example.com", "valid": True})
        assert check(root, online=True).ok
    assert check(root).ok
    assert not check(root, online=True).ok
