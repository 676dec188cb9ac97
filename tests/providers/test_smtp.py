import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import dkim
import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pydantic import SecretStr, ValidationError

from tests.providers.smtp_bench import PASSWORD, SmtpBench
from tidings.errors import TidingsError
from tidings.model.delivery import Outcome
from tidings.model.mistakes import Place
from tidings.providers.smtp import Smtp, SmtpConfig
from tidings.testing.provider_contract import INJECTIONS, Bench, ProviderContract
from tidings.testing.smtp_sink import SmtpFault, SmtpSink


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


class TestSmtpWithoutPipelining(ProviderContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        with SmtpSink(tmp_path / "inbox", pipelining=False) as sink:
            yield SmtpBench(sink, tmp_path)


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


def test_a_return_path_of_its_own(bench: SmtpBench) -> None:
    """With VERP each message's bounces come to an address that names it; without, to the sender."""
    outgoing, plain = bench.message(), bench.message()
    bench.run(bench.provider(return_path="bounces@bounce.example.com"), [outgoing])
    bench.send([plain])
    expected = [f"bounces+{outgoing.send_key}@bounce.example.com", "shop@example.org"]
    assert expected == [entry["sender"] for entry in bench.sink.accepted()]
    assert "shop@example.org" in message_from_bytes(bench.sink.messages()[0].read_bytes())["From"]


@pytest.mark.parametrize(
    "path",
    ["bounces", "b@", "@example.com", "a b@example.com", "b@example.com\r\nRCPT", "<b@example.com>", f"{'b' * 32}@c.d"],
)
def test_a_return_path_is_an_address(path: str) -> None:
    """And short enough that the key still fits into the 64 octets of a local part (RFC 5321, 4.5.3.1.1)."""
    with pytest.raises(ValidationError, match="return_path"):
        SmtpConfig(return_path=path)


def test_a_signed_message(bench: SmtpBench) -> None:
    """What the server gets carries every signature of the settings, each of which holds (R22)."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    record = b"v=DKIM1; k=ed25519; p=" + b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    one, other = ({"domain": "example.org", "selector": selector, "key": pem} for selector in ("s1", "s2"))
    one_click = {"List-Unsubscribe": "<https://shop.example/u>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    provider = bench.provider(dkim=[one, other])
    assert pem.splitlines()[1] not in f"{provider.config!r}{provider.config.model_dump_json()}"
    bench.run(provider, [bench.message(headers=one_click)])
    bench.run(bench.provider(dkim=one), [bench.message(headers=one_click)])
    for path, count in zip(bench.sink.messages(), (2, 1), strict=True):
        content = path.read_bytes()
        assert count == content.count(b"DKIM-Signature: ")
        for number in range(count):
            changed = content.replace(b"One-Click", b"One-Clock").replace(b"/u>", b"/v>")
            assert dkim.DKIM(content).verify(idx=number, dnsfunc=lambda *_, **__: record)
            assert not dkim.DKIM(changed).verify(idx=number, dnsfunc=lambda *_, **__: record)


def test_a_message_that_cannot_be_signed(bench: SmtpBench) -> None:
    """It is refused in words, and its neighbour is sent."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    provider = bench.provider(dkim={"domain": "example.org", "selector": "s1", "key": pem})
    refused, sent = bench.run(provider, [bench.message(headers={"Date": "yesterday"}), bench.message()])
    assert ("refused", "accepted") == (refused.status, sent.status)
    assert "no Date that can be read" in refused.detail


def test_a_key_of_no_use_makes_no_provider(bench: SmtpBench) -> None:
    """A wrong key stops before anything is sent, in words that do not quote it (R54)."""
    with pytest.raises(TidingsError, match="no private key in PEM") as caught:
        bench.provider(dkim={"domain": "example.org", "selector": "s1", "key": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_trusted_certificates_are_read_once(tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many connections there are; and never where there is no TLS."""
    with SmtpSink(tmp_path / "inbox", tls_context=_server_tls(certificate)) as sink:
        read: list[object] = []
        make = ssl.create_default_context
        monkeypatch.setattr(ssl, "create_default_context", lambda *args, **kw: read.append(args) or make(*args, **kw))
        bench = SmtpBench(sink, tmp_path, ca_file=str(certificate), connections=3)
        bench.run(bench.provider(tls="none"), [bench.message() for _ in range(9)])
        assert (0, 3) == (len(read), sink.connections)
        bench.run(bench.provider(tls="starttls"), [bench.message() for _ in range(9)])
        assert (1, 6, 18) == (len(read), sink.connections, len(sink.accepted()))


def test_nobody_gets_an_empty_message(bench: SmtpBench) -> None:
    """A server that goes ahead after it refused the recipient gets a lone dot, and the connection stays of use."""
    unlucky, lucky = bench.message("unlucky"), bench.message("lucky")
    bench.sink.faults[unlucky.to] = SmtpFault.REFUSE_RCPT_LATE
    outcomes = bench.run(bench.provider(connections=1), [unlucky], [lucky])
    assert ["refused", "accepted"] == [outcome.status for outcome in outcomes]
    assert ([b""], 1) == (bench.sink.orphans, bench.sink.connections)
    assert [lucky.send_key] == [one.send_key for one in bench.delivered()]


def test_an_address_beyond_ascii_arrives(tmp_path: Path) -> None:
    """A server that offers SMTPUTF8 gets it with its letters; one that does not, and its neighbour, are told apart."""
    with SmtpSink(tmp_path / "new", enable_SMTPUTF8=True) as sink:
        bench = SmtpBench(sink, tmp_path)
        outgoing = bench.message("ngọc")
        [outcome] = bench.send([outgoing])
        assert ("accepted", ["ngọc@example.com"]) == (outcome.status, sink.accepted()[0]["to"])
        message = message_from_bytes(sink.messages()[0].read_bytes(), policy=policy.SMTPUTF8)
        assert "ngọc@example.com" == message["To"]
    with SmtpSink(tmp_path / "old") as sink:
        bench = SmtpBench(sink, tmp_path, connections=1)
        outcomes = bench.send([bench.message("ngọc"), bench.message("lan")])
        assert ["refused", "accepted"] == [outcome.status for outcome in outcomes]
        assert ("SMTPUTF8" in outcomes[0].detail, "ngọc" in repr(outcomes[0]), 1) == (True, False, sink.connections)


@pytest.mark.parametrize("injection", [*INJECTIONS, "\u2028", "\u202e", " ", "\xa0", ">", "\ud83d"])
@pytest.mark.parametrize("field", ["to", "sender", "reply_to"])
def test_an_address_beyond_ascii_adds_no_header(tmp_path: Path, field: str, injection: str) -> None:
    """Letters of any script are let through, line breaks and what is not seen are not (R48)."""
    with SmtpSink(tmp_path / "inbox", enable_SMTPUTF8=True) as sink:
        bench = SmtpBench(sink, tmp_path)
        [outcome] = bench.send([bench.message(**{field: f"ngọc{injection}@example.com"})])
        assert ("refused", [], 0) == (outcome.status, sink.accepted(), sink.connections)


@pytest.mark.parametrize(
    ("dkim", "place"),
    [
        ({"domain": "example.com", "selector": "s1", "key": "x"}, [("dkim", "domain")]),
        ([{"domain": "example.com", "selector": "s1", "key": "x"}], [("dkim", 0, "domain")]),
        ({"domain": "example.org", "selector": "s1", "key": "x"}, []),
        (None, []),
    ],
    ids=str,
)
def test_who_signs_is_who_sends(dkim: Any, place: list[Place]) -> None:
    """A signature of another domain than the sender's counts for nothing, and check says it."""
    found = list(Smtp.mistakes(SmtpConfig(dkim=dkim), "shop@mail.example.org"))
    assert place == [mistake.place for mistake in found]
    assert all("mail.example.org" in mistake.fix for mistake in found)


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
