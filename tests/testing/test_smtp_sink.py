import json
import signal
import smtplib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tidings.testing.smtp_sink import SmtpFault, SmtpSink

MAIL = "From: a@example.org\r\nTo: b@example.com\r\nDate: {date}\r\nX-Tidings-Key: {key}\r\n\r\n.\r\nxin chao\r\n"


def mail(key: str, date: str = "Sun, 01 Nov 2026 09:00:00 +0700") -> str:
    """A message with that key and date."""
    return MAIL.format(key=key, date=date)


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[SmtpSink]:
    """A server that runs."""
    with SmtpSink(tmp_path / "inbox") as running:
        yield running


def test_messages_become_files(sink: SmtpSink) -> None:
    """A message is a file named by day, number and key, byte for byte, and a line of the log."""
    with smtplib.SMTP("127.0.0.1", sink.port) as client:
        client.sendmail("shop@example.org", ["lan@example.com"], mail("aa"))
        client.sendmail("shop@example.org", ["minh@example.com"], mail("bb", "Tue, 03 Nov 2026 01:00:00 +0700"))
    assert ["2026-11-01/000001-aa.eml", "2026-11-03/000002-bb.eml"] == [entry["file"] for entry in sink.accepted()]
    first = {"number": 1, "send_key": "aa", "sender": "shop@example.org", "to": ["lan@example.com"]}
    assert {**first, "file": "2026-11-01/000001-aa.eml"} == sink.accepted()[0]
    assert mail("aa").encode() == sink.messages()[0].read_bytes()


def test_a_message_without_key_or_date(sink: SmtpSink) -> None:
    """Anybody's mail is kept, under today and without a key."""
    with smtplib.SMTP("127.0.0.1", sink.port) as client:
        client.sendmail("a@example.org", ["b@example.com"], "Subject: x\r\nDate: never\r\n\r\nX-Tidings-Key: body\r\n")
    [entry] = sink.accepted()
    assert entry["send_key"] is None
    assert entry["file"].endswith("/000001-no-key.eml")


@pytest.mark.parametrize(
    "content", ["", "x\r\n", "\r\n", ".\r\n", "..\r\n.x\r\n", "x\r\n.\r\n.\r\ny\r\n", "a: b\r\n\r\n"]
)
def test_contents_are_kept_as_they_are(sink: SmtpSink, content: str) -> None:
    """Leading dots, lone dots and next to nothing come through, and the connection stays in step."""
    with smtplib.SMTP("127.0.0.1", sink.port) as client:
        for _ in range(2):
            client.ehlo_or_helo_if_needed()
            client.mail("a@example.org")
            client.rcpt("b@example.com")
            assert 250 == client.data(content.encode())[0]
    # smtplib ends an empty content with the line end that every other one already has.
    assert [(content or "\r\n").encode()] * 2 == [path.read_bytes() for path in sink.messages()]


def test_a_content_without_a_recipient(sink: SmtpSink) -> None:
    """DATA comes after RCPT."""
    with smtplib.SMTP("127.0.0.1", sink.port) as client:
        client.ehlo()
        assert 503 == client.docmd("DATA")[0]


def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    """A second sink on the folder continues the log and overwrites nothing."""
    for key in ("aa", "bb"):
        with SmtpSink(tmp_path) as sink, smtplib.SMTP("127.0.0.1", sink.port) as client:
            client.sendmail("a@example.org", ["b@example.com"], mail(key))
    assert [(1, "aa"), (2, "bb")] == [(entry["number"], entry["send_key"]) for entry in sink.accepted()]
    assert all(path.exists() for path in sink.messages())


@pytest.mark.parametrize(("fault", "code"), [(SmtpFault.REFUSE_RCPT, 550), (SmtpFault.LATER_RCPT, 451)])
def test_recipients_are_refused(sink: SmtpSink, fault: SmtpFault, code: int) -> None:
    """A fault concerns its recipient only; the other one gets the message."""
    sink.faults["lan@example.com"] = fault
    with smtplib.SMTP("127.0.0.1", sink.port) as client:
        refused = client.sendmail("a@example.org", ["lan@example.com", "minh@example.com"], mail("aa"))
    assert {"lan@example.com": code} == {address: reply[0] for address, reply in refused.items()}
    assert [["minh@example.com"]] == [entry["to"] for entry in sink.accepted()]


def test_a_recipient_is_refused_late(sink: SmtpSink) -> None:
    """DATA goes ahead without a recipient: what comes then is no message, and is kept apart."""
    sink.faults["lan@example.com"] = SmtpFault.REFUSE_RCPT_LATE
    with smtplib.SMTP("127.0.0.1", sink.port) as client:
        client.ehlo()
        client.mail("a@example.org")
        assert 550 == client.rcpt("lan@example.com")[0]
        assert 554 == client.data(b"x\r\n")[0]
        assert {} == client.sendmail("a@example.org", ["minh@example.com"], mail("aa"))
    assert ([b"x\r\n"], 1) == (sink.orphans, len(sink.accepted()))


@pytest.mark.parametrize("offered", [True, False])
def test_pipelining_is_offered(tmp_path: Path, offered: bool) -> None:
    """As the sink is told; commands that come together are answered in their order either way."""
    with SmtpSink(tmp_path, pipelining=offered, enable_SMTPUTF8=True) as sink:
        client = smtplib.SMTP("127.0.0.1", sink.port)
        client.ehlo()
        assert (offered, True) == (client.has_extn("pipelining"), client.has_extn("smtputf8"))
        client.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n")
        assert [250, 250, 354] == [client.getreply()[0] for _ in range(3)]
        client.close()


@pytest.mark.parametrize(("fault", "code"), [(SmtpFault.REFUSE_BODY, 554), (SmtpFault.LATER_BODY, 451)])
def test_bodies_are_refused(sink: SmtpSink, fault: SmtpFault, code: int) -> None:
    """What is refused after the final dot is not kept."""
    sink.faults["lan@example.com"] = fault
    with smtplib.SMTP("127.0.0.1", sink.port) as client, pytest.raises(smtplib.SMTPDataError) as refusal:
        client.sendmail("a@example.org", ["lan@example.com"], mail("aa"))
    assert code == refusal.value.smtp_code
    assert [] == sink.accepted()


@pytest.mark.parametrize(
    ("fault", "kept"),
    [(SmtpFault.DROP_BEFORE_DATA, 0), (SmtpFault.DROP_AFTER_BODY, 1), (SmtpFault.SILENT_AFTER_BODY, 1)],
)
def test_lines_break(sink: SmtpSink, fault: SmtpFault, kept: int) -> None:
    """The client learns nothing either way; the log says whether the message was kept (RFC 1047)."""
    sink.faults["lan@example.com"] = fault
    client = smtplib.SMTP("127.0.0.1", sink.port, timeout=0.5)
    with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
        client.sendmail("a@example.org", ["lan@example.com"], mail("aa"))
    client.close()
    assert kept == len(sink.accepted())


@pytest.mark.parametrize(("fault", "code"), [(SmtpFault.SLOW_AFTER_BODY, 250), (SmtpFault.GARBAGE_AFTER_BODY, -1)])
def test_odd_answers(sink: SmtpSink, fault: SmtpFault, code: int) -> None:
    """An answer that comes late, and one without a code: both messages are kept."""
    sink.faults["lan@example.com"] = fault
    with smtplib.SMTP("127.0.0.1", sink.port) as client:
        client.ehlo()
        client.mail("a@example.org")
        client.rcpt("lan@example.com")
        assert code == client.data(mail("aa"))[0]
    assert 1 == len(sink.accepted())


def test_a_port_that_is_taken(sink: SmtpSink, tmp_path: Path) -> None:
    """A second sink on the port says so and leaves nothing running."""
    with pytest.raises(OSError, match="address already in use"):
        SmtpSink(tmp_path / "other", sink.port).start()
    assert 1 == sum(thread.name == "smtp-sink" for thread in threading.enumerate())


def test_as_a_program(tmp_path: Path) -> None:
    """It prints its port, keeps mail and ends well on SIGTERM, the log complete."""
    command = [sys.executable, "-m", "tidings.testing.smtp_sink", "--folder", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        port = int(process.stdout.readline())
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.sendmail("a@example.org", ["b@example.com"], mail("aa"))
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(20)
    [line] = (tmp_path / "accepted.jsonl").read_text().splitlines()
    assert "aa" == json.loads(line)["send_key"]


def test_the_kit_needs_no_pytest() -> None:
    """A company that tests with another runner can import all of the kit."""
    code = (
        "import sys; from tidings.testing import provider_contract, sendgrid_emulator, smtp_sink;"
        "sys.exit(bool({'pytest', '_pytest'} & set(sys.modules)))"
    )
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
