"""Every command: what it prints at 80 columns, its JSON, its last line, its exit code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import AT, Ran, Run
from tests.data.mistakes.table import new_workspace
from tidings.model import counts


def readable(ran: Ran) -> None:
    """Nothing went wrong, no line is wider than the terminal, and the last one says what to do."""
    assert (ran.code, ran.err) == (0, "")
    wide = [
        line
        for line in ran.out.splitlines()
        if len(line) > 80 and not line.startswith(("next:", "plan ", "definition "))
    ]
    assert [line for line in wide if "/" not in line] == []
    assert "\x1b" not in ran.out
    assert ran.last.startswith("next: ")


def customer_with(root: Path, run: Run, decision: str) -> str:
    """A customer for whom win_back decides so."""
    ran = run("plan", "win_back", "--at", AT, "--json", "--rows", "-C", root)
    shape = counts.PlanShape.model_validate_json(ran.out)
    assert shape.rows is not None
    return next(row.customer for row in shape.rows if row.decision == decision)


def test_a_plan_is_a_waterfall_that_adds_up(refreshed: Path, run: Run) -> None:
    """Each reason in words, in the order of the gates, with how many are left (R04)."""  # R04
    ran = run("plan", "win_back", "--at", AT, "-C", refreshed)
    readable(ran)
    shape = counts.PlanShape.model_validate_json(run("plan", "win_back", "--at", AT, "--json", "-C", refreshed).out)
    lines = ran.out.splitlines()
    assert lines[0] == "win_back: Bring lapsed milk customers home"
    considered = next(index for index, line in enumerate(lines) if line.startswith("considered"))
    planned = next(index for index, line in enumerate(lines) if line.startswith("planned"))
    left = shape.counts.considered
    for line in lines[considered + 1 : planned]:
        words, no, remaining = line.rsplit(maxsplit=2)
        left -= int(no.replace(",", ""))
        assert (left, words[:2]) == (int(remaining.replace(",", "")), "  ")
    assert left == shape.counts.planned == int(lines[planned].split()[1])
    assert lines[considered + 1].split("  ")[1] == "Not in the audience"
    assert lines[planned - 1].startswith("  Held out, to measure the effect")
    assert f"plan       {shape.hash}" in lines
    assert f"definition {shape.definition_hash}" in lines


def test_a_plan_without_commit_writes_nothing(refreshed: Path, run: Run) -> None:
    """And says so."""
    before = sorted(path for path in refreshed.rglob("*") if path.is_file() and "ledger.db" not in path.name)
    ran = run("plan", "newsletter", "--at", AT, "-C", refreshed)
    assert ran.last == "next: tidings plan newsletter --commit (nothing has been written)"
    assert before == sorted(path for path in refreshed.rglob("*") if path.is_file() and "ledger.db" not in path.name)


def test_why_goes_through_the_gates(refreshed: Path, run: Run) -> None:
    """For somebody who would be sent to, and for somebody a gate has closed for."""
    inside = run("why", customer_with(refreshed, run, "planned"), "win_back", "--at", AT, "-C", refreshed)
    readable(inside)
    assert " would be sent to\n" in inside.out
    outside = run("why", customer_with(refreshed, run, "no"), "win_back", "--at", AT, "-C", refreshed)
    readable(outside)
    assert " would not be sent to: " in outside.out


def test_the_whole_line_by_hand(shop: Path, run: Run) -> None:
    """refresh, plan, approve, deliver, track, tick, measure, report, ledger: each says what is next."""
    refreshed = run("refresh", "--at", "2026-11-24T14:00", "-C", shop)
    readable(refreshed)
    assert re.search(r"^in loyal +\d+ \(\+\d+ -\d+\)$", refreshed.out, re.MULTILINE)
    assert re.search(r"^their value +[\d,.]+ USD$", refreshed.out, re.MULTILINE)
    committed = run("plan", "newsletter", "--at", AT, "--commit", "-C", shop)
    readable(committed)
    assert committed.last == "next: tidings approve newsletter"
    approved = run("approve", "newsletter", "--at", AT, "--who", "lan", "-C", shop)
    readable(approved)
    assert approved.out.startswith("lan approved the definition of newsletter:\n")
    assert approved.last == "next: tidings deliver"
    delivered = run("deliver", "--at", AT, "--shard", "1/2", "-C", shop)
    readable(delivered)
    readable(run("tick", "--at", AT, "-C", shop))
    states = counts.LedgerShape.model_validate_json(run("ledger", "--json", "-C", shop).out).messages
    assert states["accepted"] > 20
    sent = next((shop / ".tidings" / "outbox" / "email").glob("*.eml"))
    event = {
        "provider": "outbox",
        "event_id": "e1",
        "kind": "clicked",
        "occurred_at": f"{AT}:00Z",
        "send_key": sent.stem,
    }
    (shop / "events.jsonl").write_text(json.dumps(event) + "\n\n")
    for expected in (["new", "1"], ["known", "already", "1"]):
        tracked = run("track", shop / "events.jsonl", "--at", AT, "-C", shop)
        readable(tracked)
        assert expected in [line.split() for line in tracked.out.splitlines()]
    measured = run("measure", "newsletter", "--at", "2026-12-24", "-C", shop)
    readable(measured)
    assert "claimed" in measured.out
    reported = run("report", "newsletter", "--at", "2026-12-24", "--no-send", "-C", shop)
    readable(reported)
    assert reported.last == "next: open the HTML file"
    readable(run("ledger", "-C", shop))


def test_a_preview_is_two_files(shop: Path, run: Run) -> None:
    """The subject, the language and where the files are."""
    ran = run("preview", "win_back/miss_you", "--as", customer_with(shop, run, "planned"), "--at", AT, "-C", shop)
    readable(ran)
    html, text = ran.out.splitlines()[1:3]
    assert (Path(html).suffix, Path(html).is_file(), Path(text).is_file()) == (".html", True, True)


def test_nothing_to_measure_is_a_sentence(shop: Path, run: Run) -> None:
    """Before any goal window has closed there is no table of zeros."""
    ran = run("measure", "newsletter", "--at", AT, "-C", shop)
    readable(ran)
    assert "nobody's goal window has closed yet" in ran.out


def test_check_prints_mistakes_and_ends_with_2(tmp_path: Path, run: Run) -> None:
    """Mistakes first, then warnings apart, then what was read."""
    root = new_workspace(tmp_path)
    (root / "templates" / "hello" / "note.vi.txt").unlink()
    fine = run("check", "-C", root)
    readable(fine)
    assert fine.out.splitlines()[0].startswith("warning: templates/hello/note.en.txt:1:1: ")
    assert fine.out.splitlines()[1] == "1 campaign, 2 segments, 2 templates: no mistakes"
    (root / "segments" / "fresh.yaml").write_text("segment: fresh\ntitle: Fresh\nwhere: [tenure_day <= 7]\n")
    ran = run("check", "-C", root)
    assert ran.code == 2
    assert (
        ran.out.splitlines()[0]
        == "segments/fresh.yaml:3:9: there is no column 'tenure_day'; did you mean 'tenure_days'?"
    )
    assert "2 segments, 2 templates: 1 mistake" in ran.out
    assert ran.last == "next: mend them and run `tidings check` again"


def test_plugins_says_who_implements_what(refreshed: Path, run: Run) -> None:
    """Built-ins by module, the company's own by file."""
    ran = run("plugins", "-C", refreshed)
    readable(ran)
    assert "plugins/complaints.py" in ran.out
    assert "register_eligibility" in ran.out


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        (["check"], counts.CheckShape),
        (["refresh", "--at", AT], counts.RefreshShape),
        (["plan", "newsletter", "--at", AT], counts.PlanShape),
        (["plan", "newsletter", "--at", AT, "--rows"], counts.PlanShape),
        (["approve", "newsletter", "--at", AT, "--who", "lan"], counts.ApproveShape),
        (["deliver", "--at", AT], counts.DeliverShape),
        (["tick", "--at", AT], counts.TickShape),
        (["measure", "newsletter", "--at", AT], counts.MeasureShape),
        (["report", "newsletter", "--at", AT, "--no-send"], counts.ReportShape),
        (["ledger"], counts.LedgerShape),
        (["ledger", "verify"], counts.VerifyShape),
        (["ledger", "recover", "--at", AT], counts.RecoverShape),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_json_is_a_shape_and_nothing_else(
    shop: Path, run: Run, arguments: list[str], shape: type[counts.Shape]
) -> None:
    """Standard output is one JSON document that the tested model reads back."""
    ran = run(*arguments, "--json", "-C", shop)
    assert (ran.code, ran.err) == (0, "")
    assert shape.model_validate_json(ran.out).model_dump(mode="json") == json.loads(ran.out)


def test_the_keys_of_a_plan_stay_what_they_are(refreshed: Path, run: Run) -> None:
    """Written out here, not read from the model: scripts of others rely on them."""
    ran = run("plan", "newsletter", "--at", AT, "--json", "--rows", "-C", refreshed)
    plan = json.loads(ran.out)
    assert set(plan) == {"campaign", "occasion", "snapshot", "definition_hash", "hash", "counts", "rows"}
    assert set(plan["counts"]) == {"considered", "planned", "withheld", "reasons"}
    keys = {"person", "customer", "decision", "reason", "arm", "variant", "channel", "send_at"}
    assert {frozenset(row) for row in plan["rows"]} == {frozenset(keys)}
    assert {row["decision"] for row in plan["rows"]} == {"planned", "withheld", "no"}
    assert len(plan["rows"]) == plan["counts"]["considered"]


def test_init_makes_a_workspace_that_works(tmp_path: Path, run: Run) -> None:
    """The path in the last line can be copied as it is; a second time it refuses."""
    made = run("init", tmp_path / "my shop")
    readable(made)
    assert f"cd '{tmp_path}/my shop' && tidings check" in made.last
    checked = run("check", "-C", tmp_path / "my shop")
    assert checked.out.splitlines()[-2] == "4 campaigns, 11 segments, 6 templates: no mistakes"
    again = run("init", tmp_path / "my shop")
    assert (again.code, again.err) == (
        2,
        f"{tmp_path}/my shop is not an empty folder; name one that does not exist yet\n",
    )
