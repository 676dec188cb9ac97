"""Addresses in the one form in which two spellings of the same address are equal."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

CACHE = 1 << 20

# What email-validator accepts without a second look; everything else goes through it.
_PLAIN = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,}")
_SPECIAL = ("arpa", "invalid", "local", "localhost", "onion", "test")
_LABEL = 63


@lru_cache(maxsize=CACHE)
def normalise_email(text: str) -> str | None:
    """The address in lower case, or None where it is none. No name server is asked."""
    plain = text.strip().lower()
    if len(plain) <= _LABEL and _PLAIN.fullmatch(plain) and plain.rpartition(".")[2] not in _SPECIAL:
        return plain
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(plain, check_deliverability=False)
    except EmailNotValidError:
        return None
    return found.normalized.lower()


@lru_cache(maxsize=CACHE)
def normalise_phone(text: str, country: str | None) -> str | None:
    """The number in E.164, or None where it is none; without a leading + it is a number of `country` (ISO 3166)."""
    import phonenumbers

    try:
        number = phonenumbers.parse(text, country.strip().upper() if country else None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def address_key(salt: str, kind: str, address: str) -> str:
    """What the ledger knows an address by: 32 hexadecimal digits of BLAKE2b keyed with the workspace's salt.

    `kind` is `email` or `phone`; every channel that uses a number shares its key.
    """
    key = salt.encode()
    if len(key) > hashlib.blake2b.MAX_KEY_SIZE:
        key = hashlib.blake2b(key).digest()
    return hashlib.blake2b(f"{kind}:{address}".encode(), digest_size=16, key=key).hexdigest()
