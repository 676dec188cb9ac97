from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.warehouse.workspaces import NOW, customer, workspace
from tidings.errors import ProjectErrors
from tidings.project import Project, load_project
from tidings.segments.lists import read_list, tracked
from tidings.verbs.check import check
from tidings.verbs.refresh import refresh

CUSTOMERS = [
    customer("1", email="Ana@Corner.Example"), customer("2", email=None), customer("3", email="no address"),
    customer("004"), customer("b@corner.example"),
]  # fmt: skip


def listed(root: Path, text: str, config: dict[str, Any], customers: Any = CUSTOMERS) -> Project:
    """A workspace with the file data/lists/vips.csv, and a segment `vips` of who stands in it."""
    (root / "data/lists").mkdir(parents=True)
    (root / "data/lists/vips.csv").write_text(text, encoding="utf-8")
    where = {"list": {"file": "lists/vips.csv"} | config}
    return workspace(root, {"customers": customers}, segments={"vips": [where], "others": [{"not": where}]})


def members(project: Project) -> list[str]:
    """Who is in the segment after a refresh."""
    refresh(project, NOW)
    [path] = (project.root / ".tidings/snapshots").glob("*/people.parquet")
    return [row["customer_id"] for row in pq.read_table(path).to_pylist() if row["in__vips"] and not row["in__others"]]


def test_a_list_holds_customer_ids(tmp_path: Path) -> None:
    """As they are written, leading zeros too; unknown ones, empty cells and short rows are nobody."""
    text = "name,customer_id\nA,1\nB, 004 \nC,9\nD,\nE\nF,4\n"
    assert members(listed(tmp_path, text, {})) == ["004", "1"]


def test_a_list_holds_addresses(tmp_path: Path) -> None:
    """In any spelling, beside ids that look like one; what is no address is nobody's."""
    text = "\ufeffwho;since\n ANA@corner.example;2026\nb@corner.example;2026\nno address;2026\nx@;1\n"
    assert members(listed(tmp_path, text, {"column": "who"})) == ["1", "b@corner.example"]


def test_a_snapshot_keeps_no_address(tmp_path: Path) -> None:
    """Only whether somebody is listed."""
    project = listed(tmp_path, "email\nana@corner.example\n", {"column": "email"}, CUSTOMERS[:4])
    assert members(project) == ["1"]
    [folder] = [path for path in (tmp_path / ".tidings/snapshots").iterdir() if path.is_dir()]
    for path in folder.iterdir():
        assert b"corner.example" not in path.read_bytes().lower()
    [column] = [name for name in pq.read_schema(folder / "people.parquet").names if name.startswith("list__")]
    assert pq.read_schema(folder / "people.parquet").field(column).type == "bool"


def test_an_empty_list_is_nobody(tmp_path: Path) -> None:
    """Of a file without rows, and of one without customers."""
    assert members(listed(tmp_path / "a", "", {})) == []
    assert members(listed(tmp_path / "b", "customer_id\n1\n", {}, [])) == []


def test_an_absolute_path_is_taken(tmp_path: Path) -> None:
    """A file that another system writes elsewhere."""
    (tmp_path / "elsewhere.csv").write_text("customer_id\n1\n", encoding="utf-8")
    config = {"file": str(tmp_path / "elsewhere.csv")}
    assert members(listed(tmp_path / "w", "", config)) == ["1"]


def said(project: Project) -> set[str]:
    """What `check` says of the segment `vips`, with its place."""
    lines = (f"{each.file}:{each.line}:{each.column}: {each.reason}" for each in check(project.root).findings)
    return {line for line in lines if line.startswith("segments/vips.yaml")}


def test_a_missing_file_or_column_is_a_mistake(tmp_path: Path) -> None:
    """With its place, in check and in refresh; so is a file that is no text."""
    project = listed(tmp_path, "id\n1\n", {})
    [line] = said(project)
    assert line.startswith("segments/vips.yaml:5:5:")
    assert line.endswith("lists/vips.csv has no column 'customer_id'")
    path = tmp_path / "data/lists/vips.csv"
    path.write_bytes(b"customer_id\n\xff\n")
    assert [line.endswith("vips.csv is not in UTF-8") for line in said(project)] == [True]
    path.unlink()
    assert [line.endswith("data/lists/vips.csv cannot be read") for line in said(project)] == [True]
    with pytest.raises(ProjectErrors, match=r"vips\.csv cannot be read; put the file there"):
        refresh(load_project(tmp_path), NOW)


def git(root: Path, *words: str) -> None:
    """Run git in a folder."""
    subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)


def test_addresses_in_git_are_refused(tmp_path: Path) -> None:
    """In any column; ids may be there, and a file that git does not track may hold what it likes."""
    project = listed(tmp_path, "customer_id,email\n1,ana@corner.example\n", {})
    path = tmp_path / "data/lists/vips.csv"
    assert said(project) == set()
    git(tmp_path, "init")
    assert (tracked(path), said(project)) == (False, set())
    git(tmp_path, "add", "data/lists/vips.csv")
    assert tracked(path)
    [line] = said(project)
    assert line.endswith("git tracks lists/vips.csv, which holds e-mail addresses")
    path.write_text("customer_id,email\n1,none\n", encoding="utf-8")
    assert said(project) == set()


def test_without_git_nothing_is_tracked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without git, and a file outside every repository."""
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n", encoding="utf-8")
    assert not tracked(path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not tracked(path)


def test_cells_may_hold_separators_and_lines(tmp_path: Path) -> None:
    """Quoted, as CSV has it."""
    path = tmp_path / "a.csv"
    path.write_text('a;b\n"x;y";"two\nlines"\n', encoding="utf-8")
    assert read_list(path) == [["a", "b"], ["x;y", "two\nlines"]]
