"""Made-up contact data on reserved domains and numbers, with a real customer base's flaws in fixed shares.

Addresses are at example.com, example.net, example.org and under .example (RFC 2606). Telephone numbers are
the North American ones kept for fiction, 555-0100 to 555-0199 of an area code: Vietnam and China reserve no
such range, and a number there that passes validation may be somebody's, so every customer has one of these.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice

from tidings.demo.names import draw_name
from tidings.errors import TidingsError

LANGUAGES = {"en": 0.60, "vi": 0.25, "zh": 0.15}
EMAIL_MISSING, EMAIL_INVALID, EMAIL_SHARED, SECOND_PROFILE = 0.04, 0.02, 0.01, 0.02
PHONE_MISSING, PHONE_INVALID = 0.12, 0.01
LOCALE_MISSING, TIMEZONE_MISSING = 0.05, 0.08

SHARED_BY_AT_LEAST = 7
"""Enough profiles on one address that identity resolution, whose limit is 5, links none of them."""

DOMAINS = {"example.com": 45, "example.net": 25, "example.org": 24, "mail.example": 4, "post.example": 2}
SHARED_ADDRESSES = ("info@example.com", "office@example.net", "family@example.org", "hello@post.example")

HOMES = {
    "en": {"America/New_York": 48, "America/Chicago": 29, "America/Los_Angeles": 16, "America/Denver": 7},
    "vi": {"Asia/Ho_Chi_Minh": 1},
    "zh": {"Asia/Shanghai": 1},
}
COUNTRIES = {"en": "US", "vi": "VN", "zh": "CN"}
AREA_CODES = """
    201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240
    248 251 252 253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314
    315 316 317 318 319 320 321 323 325 330 334 336 337 339 347 351 352 360 361 385 386 401 402 404 405
    406 407 408 409 410 412 413 414 415 417 419 423 424 425 432 434 435 440 443 458 469 470 475 478 479
    480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 517 518 520 530 540 541 551 559 561 562
    563 567 570 571 573 574 575 580 585 586
"""
UNUSABLE_PHONES = ("555-01", "0000000000", "+1 555", "n/a", "12345", "+84 000 000 000")


@dataclass
class Contact:
    """Who a customer says they are; `home` is where they live, also where the `timezone` column is empty."""

    language: str
    home: str
    country: str
    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    locale: str | None
    timezone: str | None
    second_profile_of: int | None = None

    def columns(self) -> dict[str, str | None]:
        """The contact columns of the customers table."""
        return {
            "email": self.email,
            "phone": self.phone,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "locale": self.locale,
            "timezone": self.timezone,
            "country": self.country,
        }


def draw_contacts(rng: random.Random, count: int) -> list[Contact]:
    """`count` contacts; every share above is met exactly, up to rounding, and nobody has two e-mail flaws.

    Raises TidingsError where there are not enough fictional telephone numbers.
    """
    languages = _in_shares(rng, LANGUAGES, count)
    addresses: Counter[str] = Counter()
    contacts = []
    for language, phone in zip(languages, _fictional_numbers(rng, count), strict=True):
        name = draw_name(rng, language)
        addresses[name.local] += 1
        local = name.local if addresses[name.local] == 1 else f"{name.local}{addresses[name.local]}"
        home, email = pick(rng, HOMES[language]), f"{local}@{pick(rng, DOMAINS)}"
        contacts.append(
            Contact(language, home, COUNTRIES[language], name.first, name.last, email, phone, language, home)
        )
    _flaw_emails(rng, contacts)
    _flaw_phones(rng, contacts)
    for contact in rng.sample(contacts, round(count * LOCALE_MISSING)):
        contact.locale = None
    for contact in rng.sample(contacts, round(count * TIMEZONE_MISSING)):
        contact.timezone = None
    return contacts


def _flaw_emails(rng: random.Random, contacts: list[Contact]) -> None:
    count = len(contacts)
    shuffled = iter(rng.sample(range(count), count))
    for index in islice(shuffled, round(count * EMAIL_MISSING)):
        contacts[index].email = None
    for index in islice(shuffled, round(count * EMAIL_INVALID)):
        contacts[index].email = _typo(rng, contacts[index].email or "")
    shared = max(SHARED_BY_AT_LEAST, round(count * EMAIL_SHARED))
    addresses = SHARED_ADDRESSES[: max(1, min(len(SHARED_ADDRESSES), shared // SHARED_BY_AT_LEAST))]
    for number, index in enumerate(islice(shuffled, shared)):
        contacts[index].email = addresses[number % len(addresses)]
    seconds = list(islice(shuffled, round(count * SECOND_PROFILE)))
    for index, first in zip(seconds, islice(shuffled, len(seconds)), strict=True):
        _make_second_profile(rng, contacts, index, first)


def _make_second_profile(rng: random.Random, contacts: list[Contact], index: int, first: int) -> None:
    """Turn a customer into another profile of `first`: the same human, who wrote the address another way."""
    original = contacts[first]
    email = original.email or ""
    written = rng.choice((email.upper(), email.title(), f" {email}", f"{email} ", f" {email.capitalize()} "))
    phone = original.phone if rng.random() < 0.5 else None
    contacts[index] = replace(original, email=written, phone=phone, second_profile_of=first)


def _flaw_phones(rng: random.Random, contacts: list[Contact]) -> None:
    own = [contact for contact in contacts if contact.second_profile_of is None]
    already = sum(contact.phone is None for contact in contacts)
    shuffled = iter(rng.sample(own, len(own)))
    for contact in islice(shuffled, max(0, round(len(contacts) * PHONE_MISSING) - already)):
        contact.phone = None
    for contact in islice(shuffled, round(len(contacts) * PHONE_INVALID)):
        contact.phone = rng.choice(UNUSABLE_PHONES)
    for contact in shuffled:
        contact.phone = _as_typed(rng, contact.phone or "", contact.country)


def _as_typed(rng: random.Random, e164: str, country: str) -> str:
    """Most numbers are stored as E.164, some as people type them; without +1 only in the United States."""
    area, line = e164[2:5], f"{e164[5:8]}-{e164[8:]}"
    forms = [e164, f"+1 {area}-{line}", f"({area}) {line}"]
    return rng.choices(forms, [85, 10, 5 if country == "US" else 0])[0]


def _typo(rng: random.Random, email: str) -> str:
    local, _, domain = email.partition("@")
    return rng.choice(
        (
            f"{local}@{domain.replace('.', ',')}",
            f"{local}@{domain.partition('.')[0]}",
            f"{local}@@{domain}",
            f"{local}..x@{domain}",
            f"{local}.{domain}",
        )
    )


def pick(rng: random.Random, weights: dict[str, int]) -> str:
    """One of the keys, drawn by its weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def _fictional_numbers(rng: random.Random, count: int) -> list[str]:
    """`count` different numbers, E.164; there are 100 to an area code."""
    codes = AREA_CODES.split()
    if count > len(codes) * 100:
        raise TidingsError(
            f"{count} customers, but only {len(codes) * 100} telephone numbers kept for fiction",
            "lower `bootstrap` or the number of customers",
        )
    drawn = rng.sample(range(len(codes) * 100), count)
    return [f"+1{codes[number // 100]}5550{100 + number % 100}" for number in drawn]


def _in_shares(rng: random.Random, shares: dict[str, float], count: int) -> list[str]:
    """`count` values in exactly these shares, shuffled; rounding falls to the first."""
    values = [value for value, share in shares.items() for _ in range(round(count * share))][:count]
    values += [next(iter(shares))] * (count - len(values))
    rng.shuffle(values)
    return values
