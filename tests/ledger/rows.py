"""Rows for the ledger's tables: those of the kit."""

from tidings.testing.ledger_rows import (
    DAY,
    NOW,
    add_attempt,
    add_contact,
    add_enrolment,
    add_message,
    add_persons,
    add_plan,
    consent,
    enrolment,
    key,
    message,
    state_of,
)

__all__ = [
    "DAY",
    "NOW",
    "add_attempt",
    "add_contact",
    "add_enrolment",
    "add_message",
    "add_persons",
    "add_plan",
    "consent",
    "enrolment",
    "key",
    "message",
    "state_of",
]
