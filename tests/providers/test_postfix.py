"""The smtp provider against a server that somebody else wrote: the test server of Postfix, smtp-sink(1)."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.providers.smtp_bench import SmtpBench
from tests.waiting import wait_until
from tidings.testing.smtp_sink import SmtpSink

# Debian keeps it where only root's PATH looks.
PROGRAM = shutil.which("smtp-sink", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@dataclass
class Postfix:
    """A running smtp-sink: what it was told, and a bench that points at it."""

    log: Path
    bench: SmtpBench

    def commands(self) -> list[str]:
        """What it was asked, in order, from MAIL on."""
        return re.findall(r"^\S*smtp-sink: (MAIL|RCPT|DATA|RSET|\.)(?: |$)", self.log.read_text(), re.MULTILINE)


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Postfix]:
    """smtp-sink with these options, on a free port; a skip where there is none."""
    if PROGRAM is None:
        pytest.skip("there is no smtp-sink; on Debian: sudo apt install postfix")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    user = ["-u", "root"] if os.getuid() == 0 else []
    log = folder / "log"
    with log.open("w") as errors:
        command = [PROGRAM, "-v", *options, *user, f"127.0.0.1:{port}", "10"]
        process = subprocess.Popen(command, cwd=folder, stderr=errors)
    try:
        wait_until(lambda: _listens(port), 20, what="smtp-sink listens")
        yield Postfix(log, SmtpBench(SmtpSink(folder), folder, port=port, connections=1))
    finally:
        process.terminate()
        process.wait(20)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


ENVELOPE = ["MAIL", "RCPT", "DATA"]


@pytest.mark.parametrize("options", [[], ["-p"], ["-8", "-p"], ["-e"]], ids=["pipelining", "none", "7-bit", "HELO"])
def test_messages_are_taken(tmp_path: Path, options: list[str]) -> None:
    """With and without PIPELINING, two messages go over one connection."""
    with running(tmp_path, *options) as postfix:
        outcomes = postfix.bench.send([postfix.bench.message("an")], [postfix.bench.message("binh")])
        assert ["accepted", "accepted"] == [outcome.status for outcome in outcomes]
        assert [*ENVELOPE, "."] * 2 == postfix.commands()


@pytest.mark.parametrize("options", [[], ["-p"]], ids=["pipelining", "none"])
def test_a_line_that_breaks_after_the_dot(tmp_path: Path, options: list[str]) -> None:
    """Nobody knows whether the message was taken (RFC 1047): it is in doubt and never sent again (R03, R07)."""
    with running(tmp_path, "-q", ".", *options) as postfix:
        first, second = postfix.bench.message("an"), postfix.bench.message("binh")
        outcomes = postfix.bench.send([first], [second])
        assert ["unknown", "unknown"] == [outcome.status for outcome in outcomes]
        assert [*ENVELOPE, "."] * 2 == postfix.commands()


@pytest.mark.parametrize(
    ("options", "status", "asked"),
    [
        (["-f", "RCPT"], "refused", ["MAIL", "RCPT", "RSET"]),
        (["-r", "RCPT"], "later", ["MAIL", "RCPT", "RSET"]),
        (["-f", "DATA"], "refused", [*ENVELOPE, "RSET"]),
        (["-f", "."], "refused", [*ENVELOPE, "."]),
        (["-r", "."], "later", [*ENVELOPE, "."]),
    ],
    ids=str,
)
def test_what_is_refused(tmp_path: Path, options: list[str], status: str, asked: list[str]) -> None:
    """A refusal of the envelope or after the dot is told for what it is; these options switch PIPELINING off."""
    with running(tmp_path, *options) as postfix:
        [outcome] = postfix.bench.send([postfix.bench.message("an")])
        assert (status, asked) == (outcome.status, postfix.commands()), outcome


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_a_line_that_breaks_before_the_content(tmp_path: Path, command: str) -> None:
    """Nothing was sent, so the message is as good as before."""
    with running(tmp_path, "-q", command) as postfix:
        [outcome] = postfix.bench.send([postfix.bench.message("an")])
        assert "later" == outcome.status, outcome
        assert "." not in postfix.commands()
