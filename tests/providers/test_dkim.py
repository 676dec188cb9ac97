import base64
import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from tidings.errors import TidingsError
from tidings.model.delivery import Attachment, Outgoing
from tidings.providers.dkim import DkimConfig, DkimSigner, aligned, relaxed_body, relaxed_field, signed_octets, split
from tidings.providers.mime import build_mime

RSA, ED25519 = generate_private_key(65537, 2048), Ed25519PrivateKey.generate()
KINDS = {"rsa": RSA, "ed25519": ED25519}
DATE = "Sun, 01 Nov 2026 09:00:00 +0700"
ONE_CLICK = {
    "List-Unsubscribe": f"<https://shop.example/u/{'x' * 200}>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}


def pem(key: Any) -> str:
    """A private key as openssl writes it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def config(key: str, **changes: Any) -> DkimConfig:
    """Settings with that key."""
    return DkimConfig(**{"domain": "example.org", "selector": "s1", "key": key, **changes})


def dns(name: bytes, timeout: int = 5) -> bytes:
    """The public keys: RSA at s1, Ed25519 at s2 and s3."""
    if name.startswith(b"s1."):
        found = RSA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return b"v=DKIM1; k=rsa; p=" + base64.b64encode(found)
    found = ED25519.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return b"v=DKIM1; k=ed25519; p=" + base64.b64encode(found)


def message(**changes: Any) -> bytes:
    """A marketing e-mail as the smtp provider builds it."""
    fields = {
        "send_key": "0123456789abcdef0123456789abcdef",
        "channel": "email",
        "to": "lan@example.com",
        "sender": "shop@example.org",
        "sender_name": "Sữa Ngon — 好牛奶",
        "reply_to": "hi@example.org",
        "subject": "Chị Lan ơi, sữa tươi sắp hết rồi — 牛奶快喝完了",
        "text": "xin chào\n",
        "html": "<p>xin chào</p>",
        "headers": {"Date": DATE, **ONE_CLICK},
    }
    return build_mime(Outgoing(**{**fields, **changes}), smtputf8=True)


def signed(content: bytes, kind: str = "rsa") -> bytes:
    """The content below its signature."""
    selector = {"rsa": "s1", "ed25519": "s2"}[kind]
    return DkimSigner(config(pem(KINDS[kind]), selector=selector)).field(content) + content


def verified(content: bytes, number: int = 0) -> bool:
    """What dkimpy says of one signature."""
    try:
        return dkim.DKIM(content, minkey=2048).verify(idx=number, dnsfunc=dns)
    except dkim.ValidationError:
        return False


kinds = pytest.mark.parametrize("kind", list(KINDS))


@kinds
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"html": None, "reply_to": None, "headers": {"Date": DATE}},
        {"subject": "", "text": "", "html": "", "sender_name": ""},
        {"subject": "a  b", "sender_name": 'Lan, the "boss"', "text": " \n\n"},
        {"to": "ngọc@例子.example"},
        {"headers": {"Date": DATE, **ONE_CLICK, "list-unsubscribe": "<https://shop.example/other>"}},
        {"attachments": (Attachment(name="a.bin", media_type="application/pdf", content=bytes(range(256))),)},
    ],
    ids=str,
)
def test_receivers_accept_it(kind: str, changes: dict[str, Any]) -> None:
    """Another implementation verifies what we sign, with either kind of key (R22)."""
    assert verified(signed(message(**changes), kind))


@given(
    subject=st.text(st.sampled_from(list('ab ữ牛=?\\".:;')), max_size=100), text=st.text("ab ữ\n\r\t.", max_size=100)
)
def test_whatever_is_written(subject: str, text: str) -> None:
    """So with any subject and body."""
    assert verified(signed(message(subject=subject, text=text, html=text), "ed25519"))


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "another unsubscribe link": lambda octets: octets.replace(b"<https://shop", b"<https://evil"),
    "another one-click": lambda octets: octets.replace(b"=One-Click", b"=One-Clock"),
    "no unsubscribe link": lambda octets: _without(octets, b"List-Unsubscribe"),
    "no one-click": lambda octets: _without(octets, b"List-Unsubscribe-Post"),
    "another sender": lambda octets: octets.replace(b"<shop@example.org>", b"<evil@example.org>"),
    "another subject": lambda octets: octets.replace(b"Subject: =?utf-8?B?", b"Subject: =?utf-8?B?QQ"),
    "another recipient": lambda octets: octets.replace(b"To: lan@", b"To: eve@"),
    "another date": lambda octets: octets.replace(b"Date: Sun, 01", b"Date: Sun, 08"),
    "another id": lambda octets: octets.replace(b"Message-ID: <0", b"Message-ID: <1"),
    "another answer address": lambda octets: octets.replace(b"Reply-To: hi@", b"Reply-To: ho@"),
    "another type": lambda octets: octets.replace(b"multipart/alternative", b"multipart/mixed"),
    "another body": lambda octets: octets.replace(b"eGlu", b"eGlv"),
    "more body": lambda octets: octets + b"more\r\n",
    **{
        f"a second {name}": lambda octets, name=name: octets.replace(b"X-Tidings-Key", name.encode() + b": x\r\nX-Y", 1)
        for name in ("From", "To", "Subject", "Date", "Message-ID", "Reply-To", "Content-Type", *ONE_CLICK)
    },
    **{
        f"another {name} before all": lambda octets, name=name: name.encode() + b": x\r\n" + octets
        for name in ("From", "Subject", "Reply-To", *ONE_CLICK)
    },
    "another time": lambda octets: octets.replace(b"; t=1", b"; t=2"),
    "fewer seals": lambda octets: octets.replace(b"h=From:From:", b"h=From:"),
}


def _without(octets: bytes, name: bytes) -> bytes:
    head, found, rest = octets.partition(b"\r\n" + name + b": ")
    assert found
    return head + b"\r\n" + rest.partition(b"\r\n")[2]


@kinds
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_breaks_it(kind: str, change: str) -> None:
    """Neither unsubscribe header, nor anything else a reader sees, can be changed, added or taken away (R22)."""
    whole = signed(message(), kind)
    changed = CHANGES[change](whole)
    assert whole != changed
    assert (True, False) == (verified(whole), verified(changed))


@kinds
def test_what_relays_may_do(kind: str) -> None:
    """New lines above, folding and blanks do no harm: that is what relaxed means."""
    whole = signed(message(), kind)
    relayed = b"Received: from a by b;\r\n " + DATE.encode() + b"\r\n" + whole.replace(b"\r\nTo: ", b"\r\nto:  ")
    relayed = relayed.replace(b"\r\nDate: ", b"\r\nDate:\r\n\t") + b"\r\n\r\n"
    assert verified(relayed)


def test_without_an_answer_address_none_can_be_added() -> None:
    """A Reply-To that the message does not have would send the answers to somebody else."""
    whole = signed(message(reply_to=None))
    assert (True, False) == (verified(whole), verified(b"Reply-To: eve@evil.example\r\n" + whole))


def test_two_signatures() -> None:
    """An RSA and an Ed25519 signature stand side by side and hold each for itself (RFC 8463, 1)."""
    content = message()
    both = b"".join(signed(content, kind).removesuffix(content) for kind in ("ed25519", "rsa")) + content
    assert [True, True] == [verified(both, number) for number in (0, 1)]


@kinds
def test_the_same_message_has_the_same_signature(kind: str) -> None:
    """A message built again is the same to the last byte: the time is its Date's, not the clock's."""
    assert signed(message(), kind) == signed(message(), kind)
    assert b"; t=1793498400;" in signed(message(), kind)
    zone_unknown = message(headers={"Date": "Sun, 01 Nov 2026 02:00:00 -0000"})
    assert b"; t=1793498400;" in signed(zone_unknown, kind)


def test_what_is_covered() -> None:
    """The fields that RFC 8058 and RFC 6376 ask for, each once more than it is there."""
    field = DkimSigner(config(pem(ED25519))).field(message()).decode()
    tags = dict(tag.strip().split("=", 1) for tag in field.partition(":")[2].replace("\r\n ", "").split(";"))
    names = (
        "From From To To Subject Subject Date Date Message-ID Message-ID Reply-To Reply-To MIME-Version MIME-Version "
        "Content-Type Content-Type List-Unsubscribe List-Unsubscribe List-Unsubscribe-Post List-Unsubscribe-Post"
    ).split()
    assert names == tags["h"].split(":")
    expected = {"v": "1", "a": "ed25519-sha256", "c": "relaxed/relaxed", "q": "dns/txt", "d": "example.org", "s": "s1"}
    assert expected == {name: tags[name] for name in expected}
    assert max(map(len, field.split("\r\n"))) <= 78


@pytest.mark.parametrize("headers", [{"Date": "yesterday"}, {"Date": DATE, "date": DATE}], ids=["no date", "two"])
def test_a_message_without_a_time(headers: dict[str, str]) -> None:
    """A Date that says no time, or two, cannot be signed."""
    with pytest.raises(TidingsError, match="no Date that can be read"):
        signed(message(headers=headers))


SECRET = "MC4CAQAwBQYDK2VwBCIEIFRvbyBtYW55IHNlY3JldHMgZm9yIGEgdGVzdCE"
LOCKED = RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode()


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "the DKIM key of selector 's1' is no private key in PEM"),
        ("hunter2", "the DKIM key of selector 's1' is no private key in PEM"),
        (f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n", "is no private key in PEM"),
        (pem(RSA)[:400], "is no private key in PEM"),
        (
            RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
            "is no private key in PEM",
        ),
        (LOCKED, "has a passphrase"),
        (pem(generate_private_key(65537, 1024)), "is RSA of 1024 bits, and receivers trust 2048 or more"),
        (pem(generate_ec(SECP256R1())), "is neither RSA nor Ed25519"),
    ],
    ids=["empty", "a word", "nonsense", "cut", "public", "locked", "weak", "elliptic"],
)
def test_a_key_of_no_use(key: str, reason: str) -> None:
    """It is told apart in words, with what to do, and the key shows nowhere, not even as a cause (R54)."""
    with pytest.raises(TidingsError, match=reason) as caught:
        DkimSigner(config(key))
    said = f"{caught.value}{caught.value.__cause__}"
    assert "openssl" in said
    assert not [line for line in key.splitlines() if len(line) > 3 and line in said]
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_key_on_one_line() -> None:
    """A store of secrets that keeps one line may write the line ends as backslash and n."""
    content = message()
    assert verified(DkimSigner(config(pem(RSA).replace("\n", "\\n"))).field(content) + content)


def test_the_key_shows_nowhere() -> None:
    """Neither settings nor signer repeat it (R54)."""
    settings = config(pem(ED25519))
    assert pem(ED25519).splitlines()[1] not in f"{settings!r}{settings.model_dump_json()}{DkimSigner(settings)!r}"


@pytest.mark.parametrize(
    ("domain", "sender", "expected"),
    [
        ("example.org", "shop@example.org", True),
        ("Example.ORG", "shop@example.org", True),
        ("example.org", "shop@mail.example.org", True),
        ("mail.example.org", "shop@example.org", True),
        ("xn--fsqu00a.example", "shop@例子.example", True),
        ("example.com", "shop@example.org", False),
        ("ample.org", "shop@example.org", False),
        ("a.example.org", "shop@b.example.org", False),
    ],
)
def test_alignment(domain: str, sender: str, expected: bool) -> None:
    """A signature speaks for its own domain, those below and the one it belongs to."""
    assert expected is aligned(domain, sender)


def test_the_rfc_makes_fields_relaxed() -> None:
    """RFC 6376, 3.4.5: the header of its example."""
    assert b"a:X" == relaxed_field(b"A: X\r\n")
    assert b"b:Y Z" == relaxed_field(b"B : Y\t\r\n\tZ  \r\n")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),  # 3.4.5
        (b"", b""),
        (b"\r\n\r\n", b""),
        (b" \t\r\n", b""),
        (b"x", b"x\r\n"),
        (b"x \r\n\r\ny\r\n", b"x\r\n\r\ny\r\n"),
    ],
)
def test_the_rfc_makes_a_body_relaxed(body: bytes, expected: bytes) -> None:
    """RFC 6376, 3.4.4: the body of its example and the edges."""
    assert expected == relaxed_body(body)


# RFC 8463, appendix A: the message, the key of A.2 and the signature that A.3 gives for it.
FOOTBALL = (
    b"From: Joe SixPack <joe@football.example.com>\r\n"
    b"To: Suzie Q <suzie@shopping.example.net>\r\n"
    b"Subject: Is dinner ready?\r\n"
    b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    b"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
    b"\r\n"
    b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
)
FOOTBALL_KEY = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
FOOTBALL_FIELD = (
    b"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
    b" d=football.example.com; i=@football.example.com;\r\n"
    b" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
    b" subject : date : message-id : from : subject : date;\r\n"
    b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    b" b="
)
FOOTBALL_SIGNATURE = "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="


def test_the_rfc_signs_with_ed25519() -> None:
    """RFC 8463, appendix A: its message and key give its body hash and its signature."""
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(FOOTBALL_KEY))
    signer = DkimSigner(config(pem(key), domain="football.example.com", selector="brisbane"))
    head, body = split(FOOTBALL)
    assert b"bh=" + base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()) + b";" in FOOTBALL_FIELD
    names = "from to subject date message-id from subject date".split()
    assert FOOTBALL_SIGNATURE == base64.b64encode(signer.sign(signed_octets(head, names, FOOTBALL_FIELD))).decode()


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_page_makes_keys(kind: str, tmp_path: Path) -> None:
    """The commands on the page give a key that signs and the record by which its signature holds."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl; on Debian: sudo apt install openssl")
    page = (Path(__file__).parents[2] / "docs/providers.md").read_text("utf-8")
    [commands] = re.findall(rf"```sh\n(openssl [^`]*{kind}\.pem[^`]*)```", page)
    run = subprocess.run(commands, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)
    key = (tmp_path / f"dkim_{kind}.pem").read_text()
    content = message()
    whole = DkimSigner(config(key)).field(content) + content
    record = f"v=DKIM1; k={kind}; p={run.stdout.strip()}".encode()
    assert dkim.DKIM(whole, minkey=2048).verify(dnsfunc=lambda *_, **__: record)
