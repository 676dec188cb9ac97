from pathlib import Path

import pytest

from tests.providers.smtp_bench import Script, SmtpBench
from tidings.testing.smtp_sink import SmtpSink

HI, PIPELINING, RESET = "220 hi", "250-hi\r\n250 PIPELINING", "250 reset"
CONTENT = b"From: "
GO = "250 ok\r\n250 ok\r\n354 go"
UTF8 = "250-hi\r\n250-SIZE\r\n250-8BITMIME\r\n250-PIPELINING\r\n250 SMTPUTF8"


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        (["554 no service for you"], "later"),  # the greeting: no connection
        ([HI, "250 hi", "550 sender unknown", RESET], "refused"),
        ([HI, "250 hi", "451 busy", RESET], "later"),
        ([HI, "250 hi", "530 5.7.0 must log in", RESET], "later"),
        ([HI, "250 hi", "250 ok", "550 nobody", RESET], "refused"),
        ([HI, "250 hi", "250 ok", "250 ok", "554 no valid recipients", RESET], "refused"),
        ([HI, "250 hi", "250 ok", "250 ok", "451 disk full", RESET], "later"),
        ([HI, "250 hi", "gibberish"], "later"),
        ([HI, "250 hi", "421 4.3.2 shutting down"], "later"),
        ([HI, "250 hi", "250 ok", "250 ok", "354 go", "421 4.3.2 shutting down"], "later"),
        ([HI, "250 hi", "250 ok", "250 ok", "354 go", "552 too big"], "refused"),
        ([HI, "250 hi", "250 ok", "250 ok", "354 go", "gibberish"], "unknown"),
        ([HI, "250 hi", "250 ok", "250 ok", "354 go", "354 what"], "unknown"),
        ([HI, "250 hi", "250 ok", "250 ok", "354 go"], "unknown"),
        ([HI, "250 hi", "250 ok", "250 ok", "354 go", "251 2.0.0 taken"], "accepted"),
        ([HI, "500 what is EHLO", "250 hi", "250 ok", "250 ok", "354 go", "250 ok"], "accepted"),
    ],
    ids=str,
)
def test_what_an_answer_means(tmp_path: Path, pieces: list[str], status: str) -> None:
    """Before the content every failure is harmless; after it only a plain 4xx or 5xx is (R06, R07)."""
    with Script(pieces) as server:
        outcome = server.send(tmp_path)
    assert status == outcome.status, outcome
    # Without PIPELINING a command waits for the answer to the one before.
    assert all(1 == heard.count(b"\r\n") for heard in server.heard if heard[:4] in (b"MAIL", b"RCPT", b"DATA"))


@pytest.mark.parametrize(
    ("pieces", "status", "said", "then"),
    [
        ([GO, "250 kept"], "accepted", "250 kept", CONTENT),
        ([GO, "554 spam"], "refused", "554 spam", CONTENT),
        ([GO, "gibberish"], "unknown", "not a reply", CONTENT),
        ([GO], "unknown", "connection lost", CONTENT),
        # Refused and told so by DATA too: the envelope is cleared for the next message.
        (["550 who are you\r\n503 MAIL first\r\n503 RCPT first", RESET], "refused", "550 who are you", b"RSET\r\n"),
        (["451 busy\r\n503 MAIL first\r\n503 RCPT first", RESET], "later", "451 busy", b"RSET\r\n"),
        (["250 ok\r\n550 nobody\r\n503 RCPT first", RESET], "refused", "550 nobody", b"RSET\r\n"),
        (["250 ok\r\n451 grey\r\n503 RCPT first", RESET], "later", "451 grey", b"RSET\r\n"),
        (["250 ok\r\n250 ok\r\n451 disk full", RESET], "later", "451 disk full", b"RSET\r\n"),
        # DATA goes ahead though nobody is there: a lone dot, and what is said of that is no matter (RFC 2920, 3.1).
        (["250 ok\r\n550 nobody\r\n354 go", "554 none valid", RESET], "refused", "550 nobody", b".\r\n"),
        (["250 ok\r\n451 grey\r\n354 go", "250 empty", RESET], "later", "451 grey", b".\r\n"),
        (["250 ok\r\n550 nobody\r\n354 go", "421 bye"], "refused", "550 nobody", b".\r\n"),
        (["250 ok\r\n550 nobody\r\n354 go"], "refused", "550 nobody", b".\r\n"),
        # Somebody is there, but the sender is refused: a dot would be an empty message.
        (["550 who are you\r\n250 ok\r\n354 go"], "refused", "550 who are you", b""),
        # The line ends early: what is refused stays refused, and anything else has sent nothing.
        (["250 ok\r\n550 nobody"], "refused", "550 nobody", b""),
        (["421 shutting down"], "later", "421 shutting down", b""),
        (["250 ok\r\n421 shutting down"], "later", "421 shutting down", b""),
        (["250 ok\r\n550 nobody\r\n421 too many"], "refused", "550 nobody", b""),
        (["250 ok\r\n250 ok\r\ngibberish"], "later", "not a reply", b""),
        # Out of step: no content for a server that does not ask for it, nor for one that asks too early.
        (["250 ok\r\n250 ok\r\n250 what"], "later", "250 what", b""),
        (["354 go\r\n250 ok\r\n250 ok"], "later", "354 go", b""),
    ],
    ids=str,
)
def test_commands_in_one_write(tmp_path: Path, pieces: list[str], status: str, said: str, then: bytes) -> None:
    """With PIPELINING the envelope is one write, its replies count in order, and nobody gets an empty message."""
    with Script([HI, PIPELINING, *pieces]) as server:
        outcome = server.send(tmp_path)
    assert (status, True) == (outcome.status, said in outcome.detail), outcome
    _, envelope, *rest = server.heard
    mail, rcpt, data, end = envelope.split(b"\r\n")
    assert (b"MAIL FROM:<shop@example.org>", b"RCPT TO:<lan@example.com>", b"DATA", b"") == (mail, rcpt, data, end)
    if then == CONTENT:
        assert (True, True) == (rest[0].startswith(then), rest[0].endswith(b"\r\n.\r\n"))
    else:
        assert then == rest[0]


@pytest.mark.parametrize("extensions", [PIPELINING, "250 hi"])
def test_a_reply_in_pieces(tmp_path: Path, extensions: str) -> None:
    """Replies are whole when they are whole: of several lines, byte by byte, however they are cut."""
    envelope = (
        ["250-o\r\n250 k\r\n250 ok\r\n354 go"] if "PIPE" in extensions else ["250-o\r\n250 k", "250 ok", "354 go"]
    )
    with Script([HI, extensions, *envelope, "250-ke\r\n250-\r\n250 pt"], drip=True) as server:
        outcome = server.send(tmp_path)
    assert ("accepted", "250 ke pt") == (outcome.status, outcome.detail)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("25", "connection lost"),
        ("250 ok", "connection lost"),
        ("2500 ok\r\n", "not a reply"),
        ("\r\n", "not a reply"),
        ("250-" + "x" * 40_000, "without end"),
    ],
    ids=["cut", "cut in the words", "no code", "nothing", "endless"],
)
def test_half_a_reply(tmp_path: Path, reply: str, words: str) -> None:
    """What is no whole reply to the content is no answer."""
    pieces = [f"{HI}\r\n", f"{PIPELINING}\r\n", f"{GO}\r\n", reply]
    with Script(pieces, raw=True) as server:
        outcome = server.send(tmp_path)
    assert ("unknown", True) == (outcome.status, words in outcome.detail), outcome


def test_silence(tmp_path: Path) -> None:
    """A server that says nothing to the content is waited for as long as the settings say."""
    with Script([f"{HI}\r\n", f"{PIPELINING}\r\n", f"{GO}\r\n", "", ""], raw=True) as server:
        outcome = server.send(tmp_path)
    assert ("unknown", True) == (outcome.status, "does not answer" in outcome.detail), outcome


@pytest.mark.parametrize(
    ("reply", "status"),
    [("250 kept\r\n421 idle for too long", "accepted"), ("421 shutting down", "later"), ("354 what", "unknown")],
)
def test_a_connection_of_no_further_use(tmp_path: Path, reply: str, status: str) -> None:
    """Where the server said more than it was asked, goodbye, or nonsense, it is not used again."""
    with Script([HI, PIPELINING, GO, reply]) as server:
        bench = SmtpBench(SmtpSink(tmp_path), tmp_path, port=server.port, timeout=0.5)
        outcomes = bench.send([bench.message()], [bench.message()])
    assert [status, "later"] == [outcome.status for outcome in outcomes]
    assert b"" == server.heard[-1]


def test_an_address_beyond_ascii(tmp_path: Path) -> None:
    """SMTPUTF8 is said for it, the address is in UTF-8 in envelope and header, and no BODY, for the body is ASCII."""
    with Script([HI, UTF8, GO, "250 kept"]) as server:
        outcome = server.send(tmp_path, to="ngọc@例子.example", reply_to="hỏi@example.org")
    assert "accepted" == outcome.status, outcome
    _, envelope, content = server.heard[:3]
    mail, rcpt, *_ = envelope.decode().split("\r\n")
    assert f"MAIL FROM:<shop@example.org> SIZE={len(content) - 3} SMTPUTF8" == mail
    assert "RCPT TO:<ngọc@xn--fsqu00a.example>" == rcpt
    head, _, body = content.partition(b"\r\n\r\n")
    assert {"To: ngọc@xn--fsqu00a.example", "Reply-To: hỏi@example.org"} <= set(head.decode().split("\r\n"))
    assert body.isascii()


def test_an_address_in_ascii(tmp_path: Path) -> None:
    """A server that could take more is not told so where the message needs nothing of it."""
    with Script([HI, UTF8, GO, "250 kept"]) as server:
        outcome = server.send(tmp_path)
    assert "accepted" == outcome.status, outcome
    assert server.heard[2].isascii()
    assert f"MAIL FROM:<shop@example.org> SIZE={len(server.heard[2]) - 3}".encode() == server.heard[1].split(b"\r\n")[0]


@pytest.mark.parametrize("field", ["to", "sender", "reply_to"])
def test_a_server_for_ascii_only(tmp_path: Path, field: str) -> None:
    """Without SMTPUTF8 such a message is refused in words, and nothing of it leaves."""
    with Script([HI, PIPELINING, "221 bye"]) as server:
        outcome = server.send(tmp_path, **{field: "ngọc@example.com"})
    assert ("refused", True) == (outcome.status, "does not offer SMTPUTF8" in outcome.detail), outcome
    assert [b"QUIT\r\n"] == server.heard[1:2]
