import asyncio
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr, ValidationError

from tidings.model.delivery import Outcome
from tidings.providers.smtp import Smtp, SmtpConfig
from tidings.testing.provider_contract import Bench, Delivered, Fault, ProviderContract
from tidings.testing.smtp_sink import SmtpFault, SmtpSink

PASSWORD = "correct-horse-battery-staple"


class SmtpBench(Bench):
    faults = (
        Fault(SmtpFault.REFUSE_RCPT, "refused"),
        Fault(SmtpFault.LATER_RCPT, "later"),
        Fault(SmtpFault.DROP_BEFORE_DATA, "later"),
        Fault(SmtpFault.REFUSE_BODY, "refused"),
        Fault(SmtpFault.LATER_BODY, "later"),
        Fault(SmtpFault.DROP_AFTER_BODY, "unknown", delivered=True),
        Fault(SmtpFault.SILENT_AFTER_BODY, "unknown", delivered=True),
        Fault(SmtpFault.SLOW_AFTER_BODY, "accepted", delivered=True),
        Fault(SmtpFault.GARBAGE_AFTER_BODY, "unknown", delivered=True),
    )
    secrets = (PASSWORD,)

    def __init__(self, sink: SmtpSink, root: Path, **config: Any) -> None:
        self.sink = sink
        self.root = root
        self.config = config

    def provider(self, **changes: Any) -> Smtp:
        config = {"port": self.sink.port, "timeout": 2, "helo": "test.invalid", **self.config, **changes}
        return Smtp(SmtpConfig(**config), root=self.root)

    def delivered(self) -> list[Delivered]:
        found = []
        for entry, path in zip(self.sink.accepted(), self.sink.messages(), strict=True):
            message = message_from_bytes(path.read_bytes(), policy=policy.default)
            text = message.get_body(("plain",)).get_content()
            [recipient] = entry["to"]
            assert recipient == message["To"]
            found.append(Delivered(entry["send_key"], recipient, text, message["Subject"]))
        return found

    def arrange(self, fault: Fault, address: str) -> None:
        self.sink.faults[address] = fault.name

    def unplugged(self) -> Smtp:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        return self.provider(port=port)


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[SmtpSink]:
    """A server that runs."""
    with SmtpSink(tmp_path / "inbox") as running:
        yield running


@pytest.fixture
def bench(sink: SmtpSink, tmp_path: Path) -> SmtpBench:
    """The provider beside its sink."""
    return SmtpBench(sink, tmp_path)


class TestSmtp(ProviderContract):
    @pytest.fixture
    def bench(self, sink: SmtpSink, tmp_path: Path) -> Bench:
        return SmtpBench(sink, tmp_path)


class TestSmtpWithTlsAndLogin(ProviderContract):
    @pytest.fixture
    def bench(self, tmp_path: Path, certificate: Path) -> Iterator[Bench]:
        server = {
            "authenticator": _authenticate,
            "auth_required": True,
            "tls_context": _server_tls(certificate),
        }
        with SmtpSink(tmp_path / "inbox", require_starttls=True, **server) as sink:
            login = {"username": "shop", "password": SecretStr(PASSWORD)}
            yield SmtpBench(sink, tmp_path, tls="starttls", ca_file=str(certificate), timeout=2, **login)


def test_accepted_names_the_message(bench: SmtpBench) -> None:
    """The provider's id is the Message-ID, which a bounce quotes (R08); the detail is the server's answer."""
    outgoing = bench.message()
    [outcome] = bench.send([outgoing])
    assert f"<{outgoing.send_key}@example.org>" == outcome.provider_id
    assert "250 2.0.0 ok: kept as 1" == outcome.detail
    message = message_from_bytes(bench.sink.messages()[0].read_bytes())
    assert outcome.provider_id == message["Message-ID"]


def test_a_line_that_begins_with_a_dot(bench: SmtpBench) -> None:
    """A dot that begins a line is doubled on the wire and single on arrival."""
    bench.send([bench.message(headers={".Note": "x"})])
    assert "x" == message_from_bytes(bench.sink.messages()[0].read_bytes())[".Note"]


def test_connections_are_kept(bench: SmtpBench) -> None:
    """Many batches of many messages use no more connections than the settings say."""
    batches = [[bench.message(f"p{batch}x{number}") for number in range(10)] for batch in range(3)]
    outcomes = bench.run(bench.provider(connections=3), *batches)
    assert 30 == sum(outcome.status == "accepted" for outcome in outcomes)
    assert bench.sink.connections <= 3


def test_a_broken_connection_is_replaced(bench: SmtpBench) -> None:
    """On one connection, messages around every kind of broken line still arrive."""
    names = ["a", *SmtpFault, "z"]
    batch = [bench.message(f"person{number}") for number, _ in enumerate(names)]
    for outgoing, fault in zip(batch, names, strict=True):
        if isinstance(fault, SmtpFault):
            bench.sink.faults[outgoing.to] = fault
    outcomes = bench.run(bench.provider(connections=1), *([outgoing] for outgoing in batch))
    expected = ["accepted", *(fault.status for fault in SmtpBench.faults), "accepted"]
    order = {fault.name: fault.status for fault in SmtpBench.faults}
    assert ["accepted", *(order[fault] for fault in SmtpFault), "accepted"] == [outcome.status for outcome in outcomes]
    assert sorted(expected) == sorted(outcome.status for outcome in outcomes)


def test_a_server_that_restarts(tmp_path: Path) -> None:
    """A connection that died while it waited costs no message: nothing had been sent on it."""
    with SmtpSink(tmp_path / "inbox") as sink:
        bench = SmtpBench(sink, tmp_path, connections=1)
        provider = bench.provider()
        first, second = bench.message("an"), bench.message("binh")

        async def scenario() -> list[Outcome]:
            before = await provider.send([first])
            sink.stop()
            sink.start()
            after = await provider.send([second])
            await provider.close()
            return [*before, *after]

        assert ["accepted", "accepted"] == [outcome.status for outcome in asyncio.run(scenario())]
        assert [first.send_key, second.send_key] == [one.send_key for one in bench.delivered()]


def test_a_server_that_says_goodbye(tmp_path: Path) -> None:
    """421 before the content closes the connection; on a new one that means later (R07)."""
    goodbye = "421 4.3.2 shutting down"
    with _scripted(["220 hi", "250 hi", goodbye]) as port:
        [outcome] = _send_to(port, tmp_path)
    assert ("later", True) == (outcome.status, goodbye in outcome.detail)


@pytest.mark.parametrize(
    ("script", "status"),
    [
        (["554 no service for you"], "later"),  # the greeting: no connection
        (["220 hi", "250 hi", "550 sender unknown", "250 reset"], "refused"),
        (["220 hi", "250 hi", "451 busy", "250 reset"], "later"),
        (["220 hi", "250 hi", "530 5.7.0 must log in", "250 reset"], "later"),
        (["220 hi", "250 hi", "250 ok", "250 ok", "554 no valid recipients", "250 reset"], "refused"),
        (["220 hi", "250 hi", "250 ok", "250 ok", "451 disk full", "250 reset"], "later"),
        (["220 hi", "250 hi", "gibberish"], "later"),
        (["220 hi", "250 hi", "250 ok", "250 ok", "354 go", "421 4.3.2 shutting down"], "later"),
        (["220 hi", "250 hi", "250 ok", "250 ok", "354 go", "552 too big"], "refused"),
        (["220 hi", "250 hi", "250 ok", "250 ok", "354 go", "gibberish"], "unknown"),
        (["220 hi", "250 hi", "250 ok", "250 ok", "354 go", "354 what"], "unknown"),
        (["220 hi", "250 hi", "250 ok", "250 ok", "354 go", "25"], "unknown"),
        (["220 hi", "250 hi", "250 ok", "250 ok", "354 go", "251 2.0.0 taken"], "accepted"),
        (["220 hi", "500 what is EHLO", "250 hi", "250 ok", "250 ok", "354 go", "250 ok"], "accepted"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else value,
)
def test_what_an_answer_means(tmp_path: Path, script: list[str], status: str) -> None:
    """Before the content every failure is harmless; after it only a plain 4xx or 5xx is (R06, R07)."""
    with _scripted(script) as port:
        [outcome] = _send_to(port, tmp_path)
    assert status == outcome.status, outcome


def test_a_dead_server_is_waited_for_once(tmp_path: Path) -> None:
    """A server that says nothing costs a batch one time-out a connection, not one a message."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        config = SmtpConfig(port=mute.getsockname()[1], timeout=0.2, connections=2, helo="test.invalid")
        provider = Smtp(config, root=tmp_path)
        bench = SmtpBench(SmtpSink(tmp_path), tmp_path)
        start = datetime.now(UTC)
        outcomes = bench.run(provider, [bench.message(f"p{number}") for number in range(50)])
    assert {"later"} == {outcome.status for outcome in outcomes}
    assert datetime.now(UTC) - start < timedelta(seconds=4)


def test_cancelling_leaves_no_connection(bench: SmtpBench) -> None:
    """A deliver task that is stopped in mid-send raises and does not use the half-used connection again."""
    silent, after = bench.message("silent"), bench.message("after")
    bench.sink.faults[silent.to] = SmtpFault.SILENT_AFTER_BODY

    async def scenario() -> list[Outcome]:
        provider = bench.provider(timeout=30, connections=1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(provider.send([silent]), 0.3)
        outcomes = await provider.send([after])
        await provider.close()
        return outcomes

    assert ["accepted"] == [outcome.status for outcome in asyncio.run(scenario())]


def test_a_certificate_nobody_vouches_for(tmp_path: Path, certificate: Path) -> None:
    """Certificates are checked: nothing is sent to a stranger, and a person is given time to mend it."""
    for tls in ("starttls", "tls"):
        own = {"tls_context": _server_tls(certificate)} if tls == "starttls" else {"tls": _server_tls(certificate)}
        with SmtpSink(tmp_path / tls, **own) as sink:
            bench = SmtpBench(sink, tmp_path, tls=tls, timeout=2)
            [refused] = bench.send([bench.message()])
            [sent] = bench.run(bench.provider(ca_file=str(certificate)), [bench.message()])
            assert ("later", timedelta(minutes=15)) == (refused.status, refused.retry_after)
            assert "accepted" == sent.status
            assert 1 == len(sink.accepted())


def test_starttls_is_not_optional(bench: SmtpBench) -> None:
    """A server, or somebody in between, that hides STARTTLS gets nothing."""
    [outcome] = bench.run(bench.provider(tls="starttls"), [bench.message()])
    assert ("later", timedelta(minutes=15)) == (outcome.status, outcome.retry_after)
    assert [] == bench.delivered()


def test_a_wrong_password(tmp_path: Path, certificate: Path) -> None:
    """A refused login sends nothing and loses nothing, and the password shows nowhere (R54)."""
    server = {"authenticator": _authenticate, "auth_required": True, "tls_context": _server_tls(certificate)}
    with SmtpSink(tmp_path / "inbox", **server) as sink:
        wrong = SecretStr("wrong-" + PASSWORD)
        login = {"username": "shop", "password": wrong, "ca_file": str(certificate)}
        bench = SmtpBench(sink, tmp_path, tls="starttls", timeout=2, **login)
        [outcome] = bench.send([bench.message()])
    assert ("later", timedelta(minutes=15)) == (outcome.status, outcome.retry_after)
    assert PASSWORD not in repr(outcome)


def test_a_password_never_travels_in_clear() -> None:
    """Without TLS a password is taken for loopback only."""
    assert SmtpConfig(username="x", password=SecretStr("y")).tls == "none"
    with pytest.raises(ValidationError, match="travel in clear"):
        SmtpConfig(host="mail.example.com", username="x", password=SecretStr("y"))


class _scripted:  # noqa: N801 - used as a function
    """A server that says the given lines, one an input, then hangs up; a content counts as one input."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def __enter__(self) -> int:
        from threading import Thread

        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = Thread(target=self.serve, daemon=True)
        self.thread.start()
        return int(self.listener.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self.listener.close()
        self.thread.join(5)

    def serve(self) -> None:
        connection, _ = self.listener.accept()
        with connection, connection.makefile("rb") as inputs:
            for line in self.lines:
                connection.sendall(line.encode() + (b"\r\n" if len(line) > 2 else b""))
                if line.startswith("354 go"):
                    while inputs.readline() not in (b".\r\n", b""):
                        pass
                else:
                    inputs.readline()


def _send_to(port: int, root: Path) -> list[Outcome]:
    config = SmtpConfig(port=port, timeout=1, helo="test.invalid")
    bench = SmtpBench(SmtpSink(root), root)
    return bench.run(Smtp(config, root=root), [bench.message()])


def _authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    known = isinstance(data, LoginPassword) and (b"shop", PASSWORD.encode()) == (data.login, data.password)
    return AuthResult(success=known, handled=known)


def _server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 and its key in one file."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sink")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "sink.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(signed.public_bytes(Encoding.PEM) + secret)
    return path
