"""What SendGrid makes of a mail/send request: its refusals, and the message of each personalization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

MAX_PERSONS = 1_000
MAX_SUBSTITUTIONS = 10_000  # bytes, tags included, for one personalization
NESTED = 4  # so deep SendGrid looks for tags in what it has substituted


class Mistake(NamedTuple):
    """One entry of SendGrid's `errors`."""

    message: str
    field: str | None = None

    def entry(self) -> dict[str, str]:
        """As JSON. Without a field the real one says null; its document has no null there."""
        return {"message": self.message} | ({"field": self.field} if self.field else {})


def mistakes(body: Mapping[str, Any]) -> list[Mistake]:
    """What SendGrid would refuse; ValueError, TypeError, KeyError or AttributeError where it is not a request."""
    persons = body["personalizations"]
    if not 1 <= len(persons) <= MAX_PERSONS:
        return [Mistake("The personalizations field needs 1 to 1000 entries.", "personalizations")]
    found = [mistake for number, person in enumerate(persons) for mistake in _of_person(number, person)]
    found += _repeated(persons)
    if "@" not in body["from"]["email"]:
        found.append(Mistake("The from email does not contain a valid address.", "from.email"))
    if not all(person.get("subject") or body.get("subject") for person in persons):
        found.append(Mistake("The subject is required.", "subject"))
    if not body["content"] or not all(part["type"] and part["value"] for part in body["content"]):
        found.append(Mistake("The content value must be a string at least one character in length.", "content"))
    return found


def joined(body: Mapping[str, Any], person: Mapping[str, Any]) -> dict[str, Any]:
    """The request as if it were for this personalization alone, its substitutions made in subject and content."""
    tags = person.get("substitutions", {})
    alone = {name: value for name, value in person.items() if name != "substitutions"}
    made = {**body, "personalizations": [alone]}
    if "subject" in body:
        made["subject"] = _substituted(body["subject"], tags)
    made["content"] = [{**part, "value": _substituted(part["value"], tags)} for part in body["content"]]
    return made


def _of_person(number: int, person: Mapping[str, Any]) -> list[Mistake]:
    place = f"personalizations.{number}"
    if not person["to"]:
        return [Mistake("The to array is required for all personalization objects.", f"{place}.to")]
    found = [
        Mistake("Does not contain a valid address.", f"{place}.to.{which}.email")
        for which, to in enumerate(person["to"])
        if "@" not in to["email"]
    ]
    substitutions = person.get("substitutions", {})
    if not all(isinstance(value, str) for value in substitutions.values()):
        found.append(Mistake("Substitutions must be strings.", f"{place}.substitutions"))
    elif sum(len(tag.encode()) + len(value.encode()) for tag, value in substitutions.items()) > MAX_SUBSTITUTIONS:
        found.append(Mistake("Substitutions may not exceed 10000 bytes.", f"{place}.substitutions"))
    return found


def _repeated(persons: Sequence[Mapping[str, Any]]) -> list[Mistake]:
    """The real one merges or refuses them, as the case may be; who relies on neither sends an address once."""
    addresses = [to["email"].lower() for person in persons for to in person["to"]]
    if len(addresses) == len(set(addresses)):
        return []
    return [Mistake("Each email address in the personalizations must be unique.", "personalizations")]


def _substituted(text: str, tags: Mapping[str, str]) -> str:
    for _ in range(NESTED):
        before = text
        for tag, value in tags.items():
            text = text.replace(tag, value)
        if text == before:
            break
    return text
