from __future__ import annotations

import random
from collections import Counter

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email

from tidings.demo.contacts import AREA_CODES, Contact, draw_contacts
from tidings.errors import TidingsError

COUNT = 5000


@pytest.fixture(scope="module")
def contacts() -> list[Contact]:
    """As many contacts as the demo shop has, about."""
    return draw_contacts(random.Random("7 contacts"), COUNT)


def _is_address(email: str) -> bool:
    try:
        validate_email(email.strip(), check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def _is_number(phone: str, region: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(phone, region))
    except phonenumbers.NumberParseException:
        return False


def test_equal_seeds_give_equal_contacts() -> None:
    """The draw depends on the generator alone."""
    assert draw_contacts(random.Random(3), 200) == draw_contacts(random.Random(3), 200)
    assert draw_contacts(random.Random(3), 200) != draw_contacts(random.Random(4), 200)


def test_languages_countries_and_zones_go_together(contacts: list[Contact]) -> None:
    """60 % English in the United States, 25 % Vietnamese in Vietnam, 15 % Chinese in China, about."""
    shares = Counter((contact.language, contact.country) for contact in contacts)
    assert {pair: round(count / COUNT, 2) for pair, count in shares.items()} == pytest.approx(
        {("en", "US"): 0.60, ("vi", "VN"): 0.25, ("zh", "CN"): 0.15}, abs=0.011
    )
    zones = {"US": "America/", "VN": "Asia/Ho_Chi_Minh", "CN": "Asia/Shanghai"}
    assert all(contact.home.startswith(zones[contact.country]) for contact in contacts)
    assert all(contact.timezone in {None, contact.home} for contact in contacts)
    assert all(contact.locale in {None, contact.language} for contact in contacts)
    assert sum(contact.locale is None for contact in contacts) == 0.05 * COUNT
    assert sum(contact.timezone is None for contact in contacts) == 0.08 * COUNT


def test_names_are_written_in_their_language(contacts: list[Contact]) -> None:
    """Vietnamese names carry their marks, Chinese ones are characters, the address is ASCII."""
    assert any("ễ" in contact.last_name for contact in contacts if contact.language == "vi")
    assert all(contact.last_name > "\u4e00" for contact in contacts if contact.language == "zh")
    assert all((contact.email or "").isascii() for contact in contacts)


def test_flaws_of_addresses_have_their_shares(contacts: list[Contact]) -> None:
    """4 % missing, 2 % unusable, 1 % on addresses that more than five share, 2 % second profiles."""
    given = [contact.email for contact in contacts if contact.email is not None]
    assert COUNT - len(given) == 0.04 * COUNT
    assert sum(not _is_address(email) for email in given) == 0.02 * COUNT
    used = Counter(email.strip().lower() for email in given)
    shared = {email: count for email, count in used.items() if count > 5}
    assert sum(shared.values()) == 0.01 * COUNT
    assert sum(count == 2 for count in used.values()) == 0.02 * COUNT
    assert set(used.values()) == {1, 2} | set(shared.values())


def test_a_second_profile_is_the_same_human_who_wrote_the_address_another_way(
    contacts: list[Contact],
) -> None:
    """Name, country and address agree but for case and spaces; no text is byte for byte the first one's."""
    pairs = [
        (contact, contacts[contact.second_profile_of]) for contact in contacts if contact.second_profile_of is not None
    ]
    assert len(pairs) == 0.02 * COUNT
    for second, first in pairs:
        assert (second.first_name, second.last_name, second.home) == (
            first.first_name,
            first.last_name,
            first.home,
        )
        assert second.email != first.email
        assert (second.email or "").strip().lower() == first.email


def test_addresses_and_numbers_are_reserved_ones(contacts: list[Contact]) -> None:
    """Nothing written here can reach anybody: RFC 2606 domains, numbers kept for fiction."""
    usable = [contact for contact in contacts if contact.email and _is_address(contact.email)]
    domains = {(contact.email or "").strip().lower().partition("@")[2] for contact in usable}
    assert all(
        domain in {"example.com", "example.net", "example.org"} or domain.endswith(".example") for domain in domains
    )
    numbers = [
        phonenumbers.format_number(
            phonenumbers.parse(contact.phone, contact.country), phonenumbers.PhoneNumberFormat.E164
        )
        for contact in contacts
        if contact.phone and _is_number(contact.phone, contact.country)
    ]
    assert all(number.startswith("+1") and "01" == number[8:10] and "555" == number[5:8] for number in numbers)


def test_flaws_of_numbers_have_their_shares(contacts: list[Contact]) -> None:
    """12 % missing, 1 % unusable; one number is one human's."""
    given = [contact for contact in contacts if contact.phone is not None]
    assert COUNT - len(given) == 0.12 * COUNT
    assert sum(not _is_number(contact.phone or "", contact.country) for contact in given) == 0.01 * COUNT


@pytest.mark.parametrize("code", AREA_CODES.split())
def test_every_area_code_is_in_the_united_states(code: str) -> None:
    """Numbers kept for fiction pass validation as American ones."""
    number = phonenumbers.parse(f"+1{code}5550100")
    assert phonenumbers.is_valid_number(number)
    assert phonenumbers.region_code_for_number(number) == "US"


def test_too_many_customers_are_refused() -> None:
    """Rather than inventing numbers that may be somebody's."""
    with pytest.raises(TidingsError, match="numbers kept for fiction"):
        draw_contacts(random.Random(1), len(AREA_CODES.split()) * 100 + 1)
