from __future__ import annotations

import json
import string
from pathlib import Path

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from tidings.warehouse.addresses import address_key, normalise_email, normalise_phone

SALT = "0123456789abcdef"


def slowly(text: str) -> str | None:
    """What email-validator makes of an address, without our short cut."""
    try:
        return validate_email(text.strip().lower(), check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" Ana.Tran@Example.COM ", "ana.tran@example.com"),
        ("o'neill@example.com", "o'neill@example.com"),
        ("lan@sữa.vn", "lan@sữa.vn"),
        ("lan@xn--sa-3ct.vn", "lan@sữa.vn"),
        ("ana@example.com.", None),
        ("ana@@example.com", None),
        ("ana..x@example.com", None),
        ("ana@example", None),
        ("ana@mail.test", None),
        ("n/a", None),
        ("", None),
    ],
)
def test_two_spellings_of_one_address_are_one(text: str, address: str | None) -> None:
    """Blanks, case and punycode do not make another address; what is none is None."""
    assert normalise_email(text) == address


ALPHABET = string.ascii_letters + string.digits + ".-_+@ 'é"


@given(st.text(ALPHABET, max_size=24))
@example("a@b-.com")
@example("a@-b.com")
@example("a@b--c.com")
@example("-a@b.com")
@example("a.@b.com")
@example("a@b.c")
@example("a@b.test")
@example("a" * 70 + "@b.com")
def test_the_short_cut_decides_as_email_validator(text: str) -> None:
    """The pattern that spares a million look-ups accepts nothing else and changes nothing."""
    assert normalise_email(text) == slowly(text)


@given(
    st.text(string.ascii_lowercase + string.digits + "._+-", min_size=1, max_size=12),
    st.lists(st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=8), min_size=1, max_size=3),
    st.sampled_from(["com", "vn", "example", "test", "invalid", "c", "123", "co-m"]),
)
def test_the_short_cut_decides_as_email_validator_near_the_mark(local: str, labels: list[str], top: str) -> None:
    """The same for texts that look like addresses."""
    text = f"{local}@{'.'.join([*labels, top])}"
    assert normalise_email(text) == slowly(text)


@pytest.mark.reference
def test_the_published_cases_are_decided_as_published(reference: Path) -> None:
    """The validator's own list of addresses goes through our function unchanged."""
    cases = json.loads((reference / "isemail/python_email_validator_cases.json").read_text())["cases"]
    flat = [case if isinstance(case, str) else case[0] for group in cases.values() for case in group]
    assert len(flat) > 50
    assert [normalise_email(text) for text in flat] == [slowly(text) for text in flat]


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("0912 345 678", "VN", "+84912345678"),
        ("0912 345 678", "vn ", "+84912345678"),
        ("+84 912 345 678", None, "+84912345678"),
        ("+84912345678", "US", "+84912345678"),
        ("(202) 555-0143", "US", "+12025550143"),
        ("0912 345 678", None, None),
        ("0000", "VN", None),
        ("call me", "VN", None),
        ("912", "XX", None),
    ],
)
def test_a_number_is_its_e164_form(text: str, country: str | None, number: str | None) -> None:
    """National numbers need the customer's country; what cannot be dialled is None."""
    assert normalise_phone(text, country) == number


def test_the_published_numbers_come_out_as_published() -> None:
    """Every valid example of libphonenumber, written nationally, is its E.164 form."""
    examples = json.loads((Path(__file__).parents[1] / "data/phones/phone_vectors.json").read_text())["examples"]
    wrong = [e for e in examples if e["valid"] and normalise_phone(e["national"], e["region"]) != e["e164"]]
    assert examples
    assert wrong == []


def test_an_address_key_says_nothing_without_the_salt() -> None:
    """32 hexadecimal digits; another salt, kind or address gives another key."""
    key = address_key(SALT, "email", "ana@example.com")
    assert len(key) == 32
    assert set(key) <= set(string.hexdigits.lower())
    others = [
        address_key(SALT + "x", "email", "ana@example.com"),
        address_key(SALT, "phone", "ana@example.com"),
        address_key(SALT, "email", "anb@example.com"),
    ]
    assert len({key, *others}) == 4
    assert key == address_key(SALT, "email", "ana@example.com")


def test_a_long_salt_is_used_to_its_end() -> None:
    """BLAKE2b takes 64 bytes of key; a longer salt is hashed, not cut."""
    assert address_key("s" * 70 + "a", "email", "x") != address_key("s" * 70 + "b", "email", "x")
