"""The ledger's own commands: what they print at 80 columns, their JSON, their exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.cli.conftest import AT, Run
from tests.cli.test_commands import readable
from tidings.ledger.database import Ledger
from tidings.ledger.tables import messages
from tidings.model import counts
from tidings.project import load_project

SHOWN = """environment messages campaigns reports in_doubt oldest_in_doubt unapproved oldest_planned
    paused persons size archived behind"""


@pytest.fixture
def planned(shop: Path, run: Run) -> Path:
    """The shop with a newsletter that may be sent."""
    for arguments in (("plan", "newsletter", "--commit"), ("approve", "newsletter", "--who", "lan")):
        assert 0 == run(*arguments, "--at", AT, "-C", shop).code
    return shop


def _back_again(shop: Path, file: Path) -> None:
    for path in (shop / ".tidings").glob("ledger.db*"):
        path.unlink()
    shutil.copy(file, shop / ".tidings" / "ledger.db")


def test_backup_restore_recover_by_hand(planned: Path, run: Run, tmp_path: Path) -> None:
    """Each command says what is next; after recovery nothing leaves a second time (R20a)."""  # R20a
    copied = run("ledger", "backup", tmp_path / "copy.db", "-C", planned)
    readable(copied)
    assert 0 == run("deliver", "--at", AT, "-C", planned).code
    left = sorted((planned / ".tidings" / "outbox").rglob("*.*"))
    assert len(left) > 20
    current = run("ledger", "recover", "--at", AT, "-C", planned)
    readable(current)
    assert "tidings deliver" in current.last

    _back_again(planned, tmp_path / "copy.db")
    refused = run("deliver", "--at", AT, "-C", planned)
    assert (2, "") == (refused.code, refused.out)
    assert "run `tidings ledger recover`" in refused.err
    shown = run("ledger", "-C", planned)
    readable(shown)
    assert "next: tidings ledger recover" == shown.last
    recovered = run("ledger", "recover", "--at", AT, "-C", planned)
    readable(recovered)
    assert ["messages", "it", "would", "have", "sent", "again", str(len(left))] in [
        line.split() for line in recovered.out.splitlines()
    ]
    again = run("deliver", "--at", AT, "-C", planned)
    readable(again)
    assert left == sorted((planned / ".tidings" / "outbox").rglob("*.*"))
    shown = run("ledger", "-C", planned)
    readable(shown)
    assert "the oldest one in doubt was claimed at 2026-11-24 20:00 UTC" in shown.out


def test_a_sound_ledger_is_verified(planned: Path, run: Run) -> None:
    """Exit code 0, and the next thing to do with a sound ledger is to keep a copy."""
    ran = run("ledger", "verify", "-C", planned)
    readable(ran)
    assert "rules, none broken" in ran.out


def test_a_broken_ledger_is_exit_code_1(planned: Path, run: Run) -> None:
    """The rule, how often, and ids; nothing that could be an address (R53)."""
    project = load_project(planned)
    with Ledger.open(project) as ledger, ledger.write() as connection:
        connection.execute(update(messages).where(messages.c.state == "planned").values(state="accepted"))
    ran = run("ledger", "verify", "-C", planned)
    assert (1, "") == (ran.code, ran.err)
    assert "accepted: does not hold" in ran.out
    assert "@" not in ran.out
    shape = counts.VerifyShape.model_validate_json(run("ledger", "verify", "--json", "-C", planned).out)
    assert (False, ["accepted"]) == (shape.ok, [breach.rule for breach in shape.breaches])
    assert 10 == len(shape.breaches[0].ids) < shape.breaches[0].count


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["ledger"], SHOWN),
        (["ledger", "verify"], "ok rules breaches"),
        (["ledger", "recover", "--at", AT], "behind doubted added persons stops reports unreadable"),
        (["ledger", "backup", "copy.db"], "file size"),
        (["housekeeping", "--at", AT], "suppressed unread messages attempts events plans archive snapshots journal"),
    ],
)
def test_the_keys_stay_what_they_are(
    planned: Path, run: Run, arguments: list[str], keys: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written out here, not read from the model: scripts of others rely on them."""
    monkeypatch.chdir(planned)
    ran = run(*arguments, "--json")
    assert (0, "") == (ran.code, ran.err)
    assert keys.split() == list(json.loads(ran.out))
