"""Settings: which layer wins, and where a mistake in any of them stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.data.mistakes.table import new_workspace
from tidings.errors import ProjectErrors
from tidings.settings import LOCAL, MARKER, Settings, load_settings, merge, read_settings


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
    assert said(workspace) == ["config/tidings.yaml:1:1: unknown key '_env_file'; remove it"]


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
        settings.locale = "vi"  # type: ignore[misc]
