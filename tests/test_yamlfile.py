"""YAML 1.2 scalars, places, and what is refused before it costs anything."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.errors import TidingsError, Where
from tidings.yamlfile import MAX_BYTES, empty_values, load_yaml, read_yaml

MANY = 450_000


def refused(text: str) -> str:
    """What is said about a text that is refused."""
    with pytest.raises(TidingsError) as caught:
        load_yaml(text, "file.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("22:00", "22:00"),
        ("010", "010"),
        ("0o10", "0o10"),
        ("1_000", 1000),
        ("-7", -7),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("2026-11-22", "2026-11-22"),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("5_000_000 VND", "5_000_000 VND"),
        ("{<<: 1}", {"<<": 1}),
        ("9" * 40, "9" * 40),
    ],
)
def test_a_scalar_is_what_it_looks_like(written: str, value: object) -> None:
    """Only core scalars of YAML 1.2 are more than text: no sexagesimals, octals, dates or Norways."""
    assert load_yaml(f"key: {written}", "file.yaml").data == {"key": value}


def test_every_key_and_value_has_a_place() -> None:
    """Lines and columns count from 1; what is not there is at its nearest ancestor."""
    document = load_yaml("a: 1\nb:\n  - c: x\n    d: [y, z]\n", "file.yaml")
    assert document.where(("b", 0, "d"), key=True) == Where("file.yaml", 4, 5)
    assert document.where(("b", 0, "d", 1)) == Where("file.yaml", 4, 12)
    assert document.where(("b", 0, "e", "f")) == Where("file.yaml", 3, 5)
    assert document.where() == Where("file.yaml", 1, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2", "file.yaml:2:1: the key 'a' is written twice; it stands on line 1 already; keep one"),
        ("1: x\n'1': y", "file.yaml:2:1: the key '1' is written twice; it stands on line 1 already; keep one"),
        ("a:\n\tb: 1", "file.yaml:2:1: a tab in the indentation; indent with spaces"),
        ("a: b\n  \tc", "file.yaml:2:3: a tab in the indentation; indent with spaces"),
        ("a:\n -\tb", "file.yaml:2:3: not valid YAML: '\\t' cannot start a value; write a space instead"),
        ("a: @b", "file.yaml:1:4: not valid YAML: '@' cannot start a value; put the value in quotes"),
        ("a: b: c", "file.yaml:1:5: not valid YAML: a `:` where no key can be; put text with a colon in quotes"),
        (
            "x: 1\na: [1, 2",
            (
                "file.yaml:2:4: not valid YAML: what begins here is not closed, or lacks a comma;"
                " close the quote or the bracket"
            ),
        ),
        ("a: \x07", "file.yaml:1:4: not valid YAML: unacceptable character #x0007: control characters"),
        ("a: 1\n---\nb: 2", "file.yaml:2:1: not valid YAML: found another document; mend the indentation"),
        ("? [a]\n: b", "file.yaml:1:3: a key must be a word; write `key: value`"),
        ("a: !!python/name:os.system x", "file.yaml:1:4: the tag 'tag:yaml.org,2002:python/name:os.system'"),
        ("# nothing", "file.yaml:1:1: the file is empty; write the keys it needs, or delete it"),
        ("a: &b [1]\nc: *b", "file.yaml:2:4: aliases (*name) are not used here; write the value out"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_in_words(text: str, said: str) -> None:
    """Line, column, reason and fix, without a parser's vocabulary where there are plain words."""
    assert refused(text).startswith(said)


def test_a_tab_inside_text_is_text() -> None:
    """Only indentation is refused: quoted and block text keep their tabs."""
    assert load_yaml("a: |\n  x\n  \ty\nb: 'p\n\tq'\n", "file.yaml").data == {"a": "x\n\ty\n", "b": "p q"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: &a [x, x]\n" + "".join(f"k{n}: &k{n} [*a, *a]\n" for n in range(10)), 2),
        ("[" * 900_000, 1),
        ("- " * MANY, 1),
        ("? " * MANY, 1),
        ("[" + "1," * MANY, 1),
        ("{" + "a: 1," * (MANY // 3), 1),
        ("a: 1\n" * 150_000, 10_000),
        ("\t" * 900_000, 1),
        ("a: !" + "b" * 900_000, 1),
        (" \t\n" * 300_000 + "a: 1", 1),
    ],
    ids=["bomb", "brackets", "dashes", "questions", "list", "mapping", "duplicates", "tabs", "tag", "blank"],
)
def test_a_bomb_is_refused_before_it_costs_anything(text: str, line: int) -> None:
    """In under a second and 100 MB, with the line (R49)."""  # R49
    began = time.process_time()
    said = refused(text)
    spent = time.process_time() - began
    # Once more for the memory: tracing it takes more time than the reading.
    tracemalloc.start()
    try:
        assert said == refused(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert said.startswith(f"file.yaml:{line}:")
    assert len(said) < 300
    assert spent < 1
    assert peak < 100_000_000


def test_a_file_that_is_too_large_or_not_text_is_refused(tmp_path: Path) -> None:
    """Before it is parsed, and named relative to the workspace."""
    large, latin = tmp_path / "large.yaml", tmp_path / "latin.yaml"
    large.write_bytes(b"a" * (MAX_BYTES + 1))
    latin.write_bytes("title: x\nname: Café".encode("latin-1"))
    with pytest.raises(TidingsError, match=r"^large.yaml: the file is larger than 1,000,000 bytes; split it$"):
        read_yaml(large, tmp_path)
    with pytest.raises(TidingsError, match=r"^latin.yaml:2:1: the file is not UTF-8 text; save it as UTF-8$"):
        read_yaml(latin, tmp_path)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    file = tmp_path / "file.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert read_yaml(file, tmp_path).data == {"a": 1, "b": 2}


@given(st.text(alphabet="ab1:-?[]{},&*!|>'\"%@`#\t\n \x00\u2028é", max_size=60))
def test_any_text_is_data_or_a_mistake(text: str) -> None:
    """Nothing a file can hold makes the reader fail in another way, and the place is always in the file."""
    try:
        where = load_yaml(text, "file.yaml").where()
    except TidingsError as error:
        where = error.where or Where("nowhere")
    assert where.file == "file.yaml"
    assert 1 <= (where.line or 1) <= text.count("\n") + text.count("\u2028") + 2


def test_a_key_with_nothing_behind_it_is_found() -> None:
    """Nothing is not null, an empty text or an item of a list; places that were said before are left out."""
    text = "a:\nb: ''\nc: ~\nd: {e: , f: [1, ]}\nwhere:\n  - g:\nh: |\ni:\n  -\n"
    document = load_yaml(text, "x.yaml")
    assert document.data["a"] is document.data["c"] is None
    found = [str(error) for error in empty_values(document, set(), ("where",))]
    fix = "is empty; write a value, or remove the key"
    assert found == [f"x.yaml:1:3: `a` {fix}", f"x.yaml:4:8: `e` {fix}"]
    said = {document.where(("a",))}
    assert [str(error).split(": ")[1][:3] for error in empty_values(document, said)] == ["`e`", "`g`"]
