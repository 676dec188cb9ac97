"""Settings: which layer wins, and where a mistake in any of them stands."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.data.mistakes.table import new_workspace
from tidings.errors import ProjectErrors
from tidings.model.salvage import look_up, remove, salvage
from tidings.settings import LOCAL, MARKER, STAND_INS, Settings, load_settings, merge, read_settings
from tidings.yamlfile import read_yaml


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace without mistakes; its file has the overlay `staging`."""
    return new_workspace(tmp_path)


def said(root: Path) -> list[str]:
    """Every mistake in the settings."""
    with pytest.raises(ProjectErrors) as caught:
        load_settings(root)
    return str(caught.value).splitlines()


def edit(root: Path, old: str, new: str) -> None:
    """Replace a text that stands once in config/tidings.yaml."""
    text = (root / MARKER).read_text()
    assert text.count(old) == 1
    (root / MARKER).write_text(text.replace(old, new))


def test_layers_win_over_those_below(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file < the overlay of TIDINGS_ENV < config/local.yaml < TIDINGS_* variables, mapping by mapping."""
    monkeypatch.delenv("TIDINGS_ENV", raising=False)
    assert set(load_settings(workspace).caps) == {"email"}
    monkeypatch.setenv("TIDINGS_ENV", "staging")
    assert set(load_settings(workspace).caps) == {"email", "sms"}
    (workspace / LOCAL).write_text("locale: vi\nwarehouse: {folder: elsewhere}\n")
    assert load_settings(workspace).locale == "vi"
    monkeypatch.setenv("TIDINGS_LOCALE", "zh")
    monkeypatch.setenv("TIDINGS_CAPS__EMAIL__MAX", "5")
    settings = load_settings(workspace)
    assert (settings.locale, settings.warehouse.folder) == ("zh", Path("elsewhere"))
    assert (settings.caps["email"].max, settings.caps["email"].within.days) == (5, 7)


def test_a_mistake_stands_where_it_was_made(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the file, in an overlay, in the local file or in a variable: the layer that sets the value is named."""
    edit(workspace, "timezone: Europe/London", "timezone: Europe/Londn")
    edit(workspace, "caps: {sms: {max: 1, within: 1d}}", "caps: {sms: {max: none, within: 1d}}")
    (workspace / LOCAL).write_text("clock: {att: 2026-11-22T09:00Z}\n")
    monkeypatch.setenv("TIDINGS_LOCALE", "english")
    assert sorted(said(workspace)) == [
        "TIDINGS_LOCALE: 'english' is not a language of two letters; write one such as en",
        "config/local.yaml:1:9: unknown key 'att'; did you mean 'at'?",
        "config/tidings.yaml:15:44: 'none' is not a whole number; write digits without a leading 0",
        "config/tidings.yaml:2:11: 'Europe/Londn' is not a time zone; did you mean 'Europe/London'?",
    ]


def test_a_variable_that_is_not_json_is_named(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists and mappings in variables are JSON; the value itself is not repeated, for it may be a secret."""
    monkeypatch.setenv("TIDINGS_ALLOW", "*@example.com")
    assert said(workspace) == ['TIDINGS_ALLOW: the environment variable is not JSON; write one such as ["a", "b"]']


def test_a_key_that_would_instruct_the_library_is_a_mistake(workspace: Path) -> None:
    """pydantic-settings takes `_env_file` for an order to read another file; a YAML file may not give it."""
    edit(workspace, "workspace: corner", "_env_file: /etc/passwd\nworkspace: corner")
    [line] = said(workspace)
    assert line.startswith("config/tidings.yaml:1:1: unknown key '_env_file'; known: allow,")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("public_url", "clock: {at: 2026}\npublic_url", "6:13: 2026 is not a time with an offset; write one such as"),
        ("public_url", "clock: {at: '2026'}\npublic_url", "6:13: '2026' is not a time with an offset; write one"),
        ("public_url", "clock: {at: 2026-11-22}\npublic_url", "6:13: '2026-11-22' is not a time with an offset"),
        ("public_url", "clock: {at: 0001-01-01T00:00+07:00}\npublic_url", "6:13: '0001-01-01T00:00+07:00' is not"),
        ("timezone", "base_currency: XYZ\ntimezone", "2:16: 'XYZ' is not an ISO 4217 currency; write one such as"),
        ("timezone", "base_currency: EUS\ntimezone", "2:16: 'EUS' is not an ISO 4217 currency; did you mean"),
        ("timezone", "ledger: {url: nonsense}\ntimezone", "2:15: the ledger is kept in SQLite or PostgreSQL, and"),
        ("timezone", "ledger: {url: 'mysql://a@b/c'}\ntimezone", "2:15: the ledger is kept in SQLite or Postgre"),
        (
            "timezone",
            "warehouse: {tables: {custmers: clients}}\ntimezone",
            "2:22: unknown key 'custmers'; did you mean 'customers'?",
        ),
        (
            "timezone",
            "warehouse: {freshness: {ordrs: 1d}}\ntimezone",
            "2:25: unknown key 'ordrs'; did you mean 'orders'?",
        ),
        ("timezone", "warehouse: {freshness: {orders: 0d}}\ntimezone", "2:33: '0d' is no time at all; write a long"),
        ("max: 2, within: 7d", "max: 2, within: 0h", "13:27: '0h' is no time at all; write a longer one, such as"),
        ("max: 2", "max: true", "13:16: true is not a whole number; write digits without a leading 0"),
    ],
)
def test_values_that_would_mean_something_else_are_refused(workspace: Path, old: str, new: str, expected: str) -> None:
    """A number as a moment, a currency that nobody has, a table that nobody reads, a cap over no time at all."""
    text = (workspace / MARKER).read_text()
    (workspace / MARKER).write_text(text.replace(old, new, 1))
    [line] = said(workspace)
    assert line.removeprefix("config/tidings.yaml:").startswith(expected)


@pytest.mark.parametrize(
    "url", ["sqlite:///other.db", "sqlite://", "postgresql://lan@db/x", "postgresql+psycopg://db/x", "postgres://db/x"]
)
def test_addresses_of_a_ledger(workspace: Path, url: str) -> None:
    """SQLite and PostgreSQL, by the names that people write."""
    edit(workspace, "timezone", f"ledger: {{url: '{url}'}}\ntimezone")
    assert load_settings(workspace).ledger.url == url


def test_a_wrong_address_in_a_variable_is_not_repeated(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may hold a password (R54)."""  # R54
    monkeypatch.setenv("TIDINGS_LEDGER__URL", "mysql://shop:hunter2@db/ledger")
    [line] = said(workspace)
    assert line.startswith("TIDINGS_LEDGER__URL: the ledger is kept in SQLite or PostgreSQL")
    assert "hunter2" not in line


def test_settings_with_mistakes_are_read_as_far_as_they_hold(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest stands in for itself, in a file, in a variable, in what is missing; channels keep their names."""
    monkeypatch.delenv("TIDINGS_ENV", raising=False)
    edit(workspace, "timezone: Europe/London", "timezone: Europe/Londn\nlocale: vi")
    edit(workspace, "sms: {providers: [outbox]}", "sms: {provider: [outbox]}")
    edit(workspace, "public_url: https://crm.example.com\n", "")
    monkeypatch.setenv("TIDINGS_CONTROL_GROUP", "lots")
    monkeypatch.setenv("TIDINGS_CAPS__EMAIL__MAX", "5")
    reading = read_settings(workspace)[0][-1]
    settings = reading.settings
    assert (settings.workspace, settings.timezone, settings.locale) == ("corner", "UTC", "vi")
    assert (settings.control_group, settings.caps["email"].max) == (0.0, 5)
    assert set(reading.channels or ()) == {"email", "sms"}
    places: list[tuple[str, ...]] = [("timezone",), ("channels", "sms", "provider"), ("public_url",), ("locale",)]
    assert [reading.doubts(place) for place in places] == [True, True, True, False]


def test_whatever_stands_in_the_file_something_is_left(workspace: Path) -> None:
    """Each value in turn is something else, or gone: there are settings all the same, and a place that is in doubt."""
    document = read_yaml(workspace / MARKER)
    wrongs: list[Any] = [None, 3, "x y", [], {}, [3], {"a": 1}]
    for place in filter(None, document.values):
        for wrong in wrongs:
            data = deepcopy(document.data)
            look_up(data, place[:-1])[place[-1]] = wrong
            assert salvage(Settings, data, STAND_INS).noun is not None, (place, wrong)
        data = deepcopy(document.data)
        remove(data, place)
        assert salvage(Settings, data, STAND_INS).noun is not None, place


def test_a_file_that_cannot_be_read_leaves_nothing_known(workspace: Path) -> None:
    """Its mistake is said, and every value is in doubt."""
    (workspace / MARKER).write_text("workspace: [\n")
    [*_, reading], errors = read_settings(workspace)
    assert len(errors) == 1
    assert reading.doubts(("workspace",))
    assert reading.channels is None


def test_production_runs_on_the_wall_clock(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that stands still is for development (R64)."""  # R64
    edit(workspace, "workspace: corner", "workspace: corner\nclock: {at: 2026-11-22T09:00:00Z}")
    monkeypatch.delenv("TIDINGS_ENV", raising=False)
    assert load_settings(workspace).clock.at is not None
    monkeypatch.setenv("TIDINGS_ENV", "production")
    assert said(workspace) == [
        "config/tidings.yaml:2:13: clock.at is set in production; remove it: production runs on the wall clock"
    ]


def test_no_variable_means_dev(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The present environment is read last, the overlays of others are checked on the way (R64)."""  # R64
    monkeypatch.delenv("TIDINGS_ENV", raising=False)
    readings, errors = read_settings(workspace)
    assert ([reading.name for reading in readings], errors) == (["staging", "dev"], [])
    monkeypatch.setenv("TIDINGS_ENV", "")
    assert read_settings(workspace)[0][-1].name == "dev"


@pytest.mark.parametrize("text", ["- a list\n", "just text\n"])
def test_a_file_that_is_no_mapping_is_refused(workspace: Path, text: str) -> None:
    """With its place, like any mistake."""
    (workspace / MARKER).write_text(text)
    with pytest.raises(Exception, match=r"^config/tidings.yaml:1:1: not a mapping; write `key: value` lines$"):
        load_settings(workspace)


@pytest.mark.parametrize(
    ("below", "above", "merged"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}, {"a": {"x": 1, "y": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"x": 1}}, {"a": 4}, {"a": 4}),
    ],
)
def test_merging_lays_one_over_the_other(below: dict[str, Any], above: dict[str, Any], merged: object) -> None:
    """Mappings are merged, everything else replaced; neither side is changed."""
    before = repr((below, above))
    assert merge(below, above) == merged
    assert repr((below, above)) == before


def test_settings_are_frozen(workspace: Path) -> None:
    """Nobody changes them behind the hash that an approval names."""
    settings = load_settings(workspace)
    assert isinstance(settings, Settings)
    with pytest.raises(ValueError, match="frozen"):
        settings.locale = "vi"  # type: ignore[misc] # what the checker forbids must fail when it runs, too
