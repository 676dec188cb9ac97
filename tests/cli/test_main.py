"""The entry point: mistakes are sentences, faults of ours are short, nothing is a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from tests.cli.conftest import Run
from tests.data.mistakes.table import new_workspace
from tidings.cli.main import app

TIDINGS = Path(sys.executable).parent / "tidings"


def test_a_mistake_is_said_on_standard_error(tmp_path: Path, run: Run) -> None:
    """Exit code 2, the sentence with its place, no traceback, nothing on standard output."""
    root = new_workspace(tmp_path)
    (root / "segments" / "fresh.yaml").write_text("segment: fresh\n")
    ran = run("ledger", "-C", root)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines() == [
        "segments/fresh.yaml:1:1: the key 'title' is missing; add `title:`",
        "segments/fresh.yaml:1:1: the key 'where' is missing; add `where:`",
        "",
        "2 mistakes in the workspace; `tidings check` says all of it",
    ]


def test_no_workspace_is_a_mistake(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --root the current folder decides."""
    monkeypatch.chdir(tmp_path)
    ran = run("ledger")
    assert ran.code == 2
    assert "run `tidings init FOLDER`" in ran.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plan", "win_bak", "--at", "2026-11-24"], "there is no campaign 'win_bak'; did you mean 'win_back'?"),
        (["plan", "win_back", "--at", "soon"], "'soon' is not a time; write 2026-11-22"),
        (["why", "nobody", "win_back", "--at", "2026-11-24"], "there is no customer 'nobody'"),
        (["deliver", "--shard", "5/4"], "'5/4' is not a part of a whole; write 2/4"),
        (["track", "nowhere.jsonl"], "there is no file nowhere.jsonl; give a file of JSON lines"),
        (["ledgr"], "Did you mean 'ledger'?"),
        (["plan"], "Missing argument 'CAMPAIGN'"),
    ],
)
def test_arguments_that_make_no_sense(refreshed: Path, run: Run, arguments: list[str], words: str) -> None:
    """Exit code 2 and what would make sense."""
    ran = run(*arguments, *(["-C", str(refreshed)] if len(arguments) > 1 else []))
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert "Traceback" not in ran.err


def test_events_that_are_none_are_named_by_line(refreshed: Path, tmp_path: Path, run: Run) -> None:
    """Every bad line at once; nothing of the file is taken."""
    file = tmp_path / "events.jsonl"
    good = '{"provider": "x", "event_id": "1", "kind": "opened", "occurred_at": "2026-11-24T09:00:00Z"}'
    file.write_text(f"{good}\n{good.replace('opened', 'openned')}\nnot json\n{good.replace('event_id', 'id')}\n")
    ran = run("track", file, "-C", refreshed)
    assert ran.code == 2
    lines = ran.err.splitlines()
    assert lines[0] == f"{file}:2: 'openned' is not a value of `kind`; did you mean 'opened'?"
    assert lines[1].startswith(f"{file}:3: ")
    assert lines[2].startswith(f"{file}:4: ")


def test_a_fault_of_ours_is_one_line(refreshed: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1; the traceback is for those who ask with TIDINGS_DEBUG."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("tidings.verbs.ledger.ledger", broken)
    ran = run("ledger", "-C", refreshed)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "unexpected: ZeroDivisionError: oops; set TIDINGS_DEBUG=1 to see where, and tell us\n"
    monkeypatch.setenv("TIDINGS_DEBUG", "1")
    monkeypatch.setattr("sys.argv", ["tidings", "ledger", "-C", str(refreshed)])
    from tidings.cli.main import main

    with pytest.raises(ZeroDivisionError):
        main()


def test_ctrl_c_is_a_word(refreshed: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 130, as shells expect."""

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tidings.verbs.ledger.ledger", stopped)
    ran = run("ledger", "-C", refreshed)
    assert ran.code == 130
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("rows", [[], ["--rows"]], ids=["less than a buffer", "more than a buffer"])
def test_a_reader_that_has_seen_enough_is_no_mistake(refreshed: Path, rows: list[str]) -> None:
    """A pipe closed by its reader (head, less) ends quietly, in the middle of the output as at its last flush."""
    read, write = os.pipe()
    os.close(read)
    try:
        ran = subprocess.run(
            [TIDINGS, "plan", "newsletter", "--json", *rows, "--at", "2026-11-24T15:00", "-C", refreshed],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(write)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_every_command_explains_itself(run: Run) -> None:
    """In one line of the overview, whole, and at length with --help."""
    overview = run("--help")
    assert overview.code == 0
    lines = overview.out[overview.out.index("Commands:") :].partition("\n\n")[0].splitlines()[1:]
    assert [line for line in lines if "..." in line or len(line) > 80] == []
    told = {line.split()[0]: " ".join(line.split()[1:]) for line in lines}
    assert set(told) == set(get_command(app).commands) > {"check", "refresh", "plan", "approve", "deliver", "airflow"}
    for name, sentence in told.items():
        helped = run(name, "--help")
        assert helped.code == 0
        assert sentence.endswith(".")
        assert sentence in " ".join(helped.out.split())
        assert f"tidings {name} " in helped.out


def test_a_folder_that_is_gone_is_a_mistake(tmp_path: Path) -> None:
    """A shell may stand in a folder that somebody has removed; a workspace that is named is found from there, too."""
    there, gone = new_workspace(tmp_path), tmp_path / "gone"
    script = 'mkdir "$1" && cd "$1" && rmdir "$1" && "$2" ledger; "$2" ledger -C "$3"'
    command = ["sh", "-c", script, "sh", str(gone), str(TIDINGS), str(there)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    # In a path with a space our command is started by a shell, which has a word of its own about the folder.
    lines = [line for line in ran.stderr.splitlines() if "getcwd" not in line]
    assert lines[0] == "the current folder is gone; cd into one that is there"
    assert "there is no ledger yet" in lines[1]
