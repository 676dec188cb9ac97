"""Signed tokens for links that leave the house: unsubscribe, clicks, preferences.

A token says which message or person it belongs to and nothing about them: anybody can read it, only we can
write it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from itsdangerous import BadSignature, SignatureExpired, TimestampSigner
from itsdangerous.encoding import base64_decode, base64_encode

from tidings.errors import TidingsError

Value = str | int | bool | None

MIN_KEY_LENGTH = 16
_KIND = re.compile(r"[a-z][a-z0-9_]*")
# Keys, names and ids pass; an address (@), a phone number (+) and a person's name (a space) do not (R13).
_IMPERSONAL = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
# HMAC over BLAKE2b cut to 128 bits: 22 characters in the link instead of SHA-256's 43.
_DIGEST = partial(hashlib.blake2b, digest_size=16)


class _Signer(TimestampSigner):
    """itsdangerous on a given clock: the demo and the tests live on another day than the machine."""

    def __init__(self, keys: Sequence[str], kind: str, now: datetime | None) -> None:
        super().__init__(keys, salt=f"tidings.{kind}", key_derivation="hmac", digest_method=_DIGEST)
        self._now = now

    def get_timestamp(self) -> int:
        return int(self._now.timestamp()) if self._now else super().get_timestamp()


class TokenSigner:
    """Signs with the newest of its keys and reads with any of them, so that a key can be replaced (R42).

    `keys` are at most two secrets of at least 16 characters, newest first; TidingsError otherwise.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not 1 <= len(keys) <= 2:
            raise TidingsError(f"{len(keys)} token keys", "give one key, or the new one and the one it replaces")
        if any(len(key) < MIN_KEY_LENGTH for key in keys):
            raise TidingsError("a token key is too short", f"use at least {MIN_KEY_LENGTH} random characters")
        self._keys = tuple(reversed(keys))

    def __repr__(self) -> str:
        return f"TokenSigner({len(self._keys)} keys)"

    def sign(self, kind: str, payload: Mapping[str, Value], *, now: datetime | None = None) -> str:
        """A URL-safe token of that kind, stamped with `now` (the wall clock by default).

        The payload holds keys, names and numbers; what could be personal data is a TidingsError (R13).
        """
        for key, value in payload.items():
            if isinstance(value, str) and not _IMPERSONAL.fullmatch(value):
                raise TidingsError(
                    f"the token field {key!r} could be personal data",
                    "put a send_key, a person_key, a name or a number into tokens",
                )
        body = json.dumps(dict(payload), separators=(",", ":")).encode()
        return self._signer(kind, now).sign(base64_encode(body)).decode()

    def read(
        self, kind: str, token: str, max_age: timedelta | None = None, *, now: datetime | None = None
    ) -> dict[str, Any]:
        """The payload; TidingsError for a token that is forged, cut, of another kind or older than `max_age`.

        The signature is compared in constant time (R46), before anything of the token is parsed.
        """
        seconds = int(max_age.total_seconds()) if max_age is not None else None
        try:
            signed = token.encode("ascii")
            body = self._signer(kind, now).unsign(signed, max_age=seconds)
            payload: dict[str, Any] = json.loads(base64_decode(body))
        except SignatureExpired as error:
            raise TidingsError("this link is too old", "ask for a new one") from error
        except (BadSignature, UnicodeError) as error:
            raise TidingsError("this link is not one of ours", "use the whole link from the message") from error
        # A signature of 22 characters carries four spare bits; only the spelling we wrote is ours.
        tail = signed.rsplit(b".", 1)[1]
        if base64_encode(base64_decode(tail)) != tail:
            raise TidingsError("this link is not one of ours", "use the whole link from the message")
        return payload

    def _signer(self, kind: str, now: datetime | None) -> _Signer:
        if not _KIND.fullmatch(kind):
            raise TidingsError(f"{kind!r} is not a kind of token", "use lower-case letters, digits and _")
        return _Signer(self._keys, kind, now)
