"""DKIM signatures (RFC 6376) with RSA (RFC 8301) or Ed25519 (RFC 8463), relaxed/relaxed.

A signature is made of the message and the key alone, its time from the message's own Date: the same message built
again is the same to the last byte.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Annotated, cast

from pydantic import Field, SecretStr

from tidings.errors import TidingsError
from tidings.model.base import Noun

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

# What a reader sees or a mail program acts upon. RFC 8058, 4 wants both of the last two.
COVERED = (
    "From To Subject Date Message-ID Reply-To MIME-Version Content-Type Content-Transfer-Encoding "
    "List-Unsubscribe List-Unsubscribe-Post"
).split()
MIN_RSA_BITS = 2048  # RFC 8301, 3.2: signers SHOULD use at least so many
MAKE_KEY = "make one with `openssl genrsa 2048` or `openssl genpkey -algorithm ed25519`"

_END_OF_HEAD = b"\r\n\r\n"
_FIELD = re.compile(rb"[^\r\n][^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*")
_BLANKS = re.compile(rb"[ \t]+")


class DkimConfig(Noun):
    """Who signs: the public key stands in the DNS at `<selector>._domainkey.<domain>`."""

    domain: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$", description="the sender's domain, or the one above it"),
    ]
    selector: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$")]
    key: Annotated[SecretStr, Field(description="{secret: its name}; a private key in PEM")]


class DkimSigner:
    """Signs for one domain and selector. TidingsError, which never quotes the key, where the key is of no use."""

    def __init__(self, config: DkimConfig) -> None:
        self._key = load_key(config.key.get_secret_value(), config.selector)
        self._domain = config.domain
        self._selector = config.selector

    def field(self, message: bytes) -> bytes:
        """The DKIM-Signature field of a whole message, CRLF at its end, to be put before it.

        TidingsError where the message has no Date that can be read.
        """
        head, body = split(message)
        present = [_name(field) for field in _FIELD.findall(head)]
        # Once more than the message has it: then nobody can add a second one that a mail program would show, nor a
        # Reply-To where there is none (RFC 6376, 8.15). Other absent ones may be a mailing list's to add.
        names = [
            name
            for name in COVERED
            if name.lower() in present or name == "Reply-To"
            for _ in range(present.count(name.lower()) + 1)
        ]
        body_hash = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode()
        tags = (
            f"v=1; a={'rsa' if self._is_rsa else 'ed25519'}-sha256; c=relaxed/relaxed; q=dns/txt;",
            f"d={self._domain}; s={self._selector}; t={_time(head)};",
            *_folded(names),
            f"bh={body_hash};",
            "b=",
        )
        unsigned = ("DKIM-Signature: " + "\r\n ".join(tags)).encode()
        signature = base64.b64encode(self.sign(signed_octets(head, names, unsigned))).decode()
        lines = (signature[start : start + 72] for start in range(0, len(signature), 72))
        return unsigned + "\r\n ".join(lines).encode() + b"\r\n"

    def sign(self, octets: bytes) -> bytes:
        """The signature over `octets`: PKCS #1 1.5 with SHA-256, or Ed25519 over their SHA-256 (RFC 8463, 3)."""
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        if self._is_rsa:
            return cast("RSAPrivateKey", self._key).sign(octets, PKCS1v15(), SHA256())
        return cast("Ed25519PrivateKey", self._key).sign(hashlib.sha256(octets).digest())

    @property
    def _is_rsa(self) -> bool:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

        return isinstance(self._key, RSAPrivateKey)


def load_key(pem: str, selector: str) -> RSAPrivateKey | Ed25519PrivateKey:
    """A private key for DKIM; TidingsError where the text is none, or it is weak or of another kind (R54)."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    whose = f"the DKIM key of selector {selector!r}"
    try:
        # Some stores of secrets keep one line, its line ends written as \n; PEM itself has no backslash.
        key = load_pem_private_key(pem.replace("\\n", "\n").strip().encode(), password=None)
    except TypeError:
        fix = "remove it (`openssl pkey -in key.pem`); the place that keeps secrets protects it"
        raise TidingsError(f"{whose} has a passphrase", fix) from None
    except (ValueError, UnsupportedAlgorithm):
        # The cause is cut off: what a parser says may quote the key.
        raise TidingsError(f"{whose} is no private key in PEM", MAKE_KEY) from None
    if isinstance(key, RSAPrivateKey):
        if key.key_size < MIN_RSA_BITS:
            reason = f"{whose} is RSA of {key.key_size} bits, and receivers trust {MIN_RSA_BITS} or more"
            raise TidingsError(reason, MAKE_KEY)
        return key
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise TidingsError(f"{whose} is neither RSA nor Ed25519", MAKE_KEY)


def aligned(domain: str, sender: str) -> bool:
    """Whether receivers take a signature of `domain` for the sender's own (DMARC, RFC 7489, 3.1.1, relaxed).

    Equal, or one below the other: which domains have an owner in common otherwise, only a list of all registries says.
    """
    theirs = sender.rpartition("@")[2].lower()
    if not theirs.isascii():
        theirs = theirs.encode("idna").decode()
    domain = domain.lower()
    return domain == theirs or theirs.endswith(f".{domain}") or domain.endswith(f".{theirs}")


def split(message: bytes) -> tuple[bytes, bytes]:
    """The header fields with the CRLF of each, and the body."""
    head, _, body = message.partition(_END_OF_HEAD)
    return head + b"\r\n", body


def signed_octets(head: bytes, names: Sequence[str], unsigned: bytes) -> bytes:
    """What a signature is made over: the fields named, each name the next one from below, then its own (3.7, 5.4.2)."""
    fields: dict[bytes, list[bytes]] = {}
    for field in _FIELD.findall(head):
        canonical = relaxed_field(field)
        fields.setdefault(canonical.partition(b":")[0], []).append(canonical)
    found = (fields.get(name.lower().encode()) for name in names)
    return b"".join(field.pop() + b"\r\n" for field in found if field) + relaxed_field(unsigned)


def relaxed_field(field: bytes) -> bytes:
    """RFC 6376, 3.4.2: the name in lower case, on one line, blanks as one, none at the ends; without its CRLF."""
    name, _, value = field.partition(b":")
    return name.rstrip(b" \t").lower() + b":" + _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" \t")


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376, 3.4.4: blanks as one and none at a line's end, no empty lines at the end; nothing stays nothing."""
    # A regular expression takes 1 ms for what these take 0.1 for.
    lines = (body + b"\r\n").replace(b"\t", b" ")
    while b"  " in lines:
        lines = lines.replace(b"  ", b" ")
    lines = lines.replace(b" \r\n", b"\r\n").rstrip(b"\r\n")
    return lines + b"\r\n" if lines else b""


def _name(field: bytes) -> str:
    return field.partition(b":")[0].strip().lower().decode()


def _folded(names: Sequence[str]) -> Iterator[str]:
    """`h=` on lines of no more than 78 characters (RFC 5322, 2.1.1)."""
    line = "h="
    for name, end in zip(names, ":" * (len(names) - 1) + ";", strict=True):
        if len(line) + len(name) > 75:
            yield line
            line = ""
        line += name + end
    yield line


def _time(head: bytes) -> int:
    """The message's Date in seconds since 1970."""
    dates = [field.partition(b":")[2] for field in _FIELD.findall(head) if _name(field) == "date"]
    try:
        [date] = dates
        moment = parsedate_to_datetime(date.decode("ascii").strip())
    except ValueError:
        raise TidingsError("the message has no Date that can be read", "write it as RFC 5322 has it, once") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
