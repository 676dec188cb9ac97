from __future__ import annotations

import ast
import json
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

from jsonschema import validate

import tidings.airflow.plugin
from tidings.airflow.provider import get_provider_info


def test_airflow_finds_plugin_and_provider_by_entry_point() -> None:
    """Both are registered by the package and load to what they say."""
    [plugin] = [entry for entry in entry_points(group="airflow.plugins") if entry.name == "tidings"]
    assert plugin.load() is tidings.airflow.plugin.TidingsPlugin
    providers = entry_points(group="apache_airflow_provider")
    assert get_provider_info in [entry.load() for entry in providers if entry.value.startswith("tidings.")]


def test_airflow_accepts_the_provider() -> None:
    """The description fits Airflow's own schema, and its options have their defaults."""
    schema = json.loads((files("airflow") / "provider_info.schema.json").read_text())
    validate(get_provider_info(), schema)


def test_the_plugin_is_light() -> None:
    """Airflow imports it in every process: it brings in nothing but Airflow's own base class."""
    source = Path(tidings.airflow.plugin.__file__).read_text(encoding="utf-8")
    imported = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert {ast.unparse(node) for node in imported} == {
        "from __future__ import annotations",
        "from airflow.plugins_manager import AirflowPlugin",
    }
