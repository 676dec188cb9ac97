"""The crash matrix: where a worker is killed × what its provider does × which ledger × which provider (R03)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import product
from typing import NamedTuple

from tests.databases import KINDS
from tidings.testing.sendgrid_emulator import SendGridFault
from tidings.testing.smtp_sink import SmtpFault


class Stop(StrEnum):
    """Where the worker is when it is killed, in the order in which it comes there."""

    RECOVERY_WRITTEN = "recovery written, not committed"
    RECOVERED = "recovery committed"
    CLAIM_WRITTEN = "claim written, not committed"
    CLAIMED = "claim committed"
    RENDERED = "before the first byte"
    UNREAD = "content sent, answer not read"
    MIDDLE = "some of a batch answered"
    ANSWERED = "all answered, nothing written"
    SETTLE_WRITTEN = "settle written, not committed"
    SETTLED = "settle committed"
    ANY = "any time"


RECOVERY = (Stop.RECOVERY_WRITTEN, Stop.RECOVERED)

# Each fault that R03 names, as each provider may show it; where there are several, the seed draws one.
FAULTS: Mapping[str, Mapping[str, Sequence[SmtpFault | SendGridFault]]] = {
    "smtp": {
        "none": (),
        "refuse": (SmtpFault.REFUSE_RCPT,),
        "again later": (SmtpFault.LATER_RCPT, SmtpFault.LATER_BODY),
        "error": (SmtpFault.REFUSE_BODY,),
        "reset before": (SmtpFault.DROP_BEFORE_DATA,),
        "reset after": (SmtpFault.DROP_AFTER_BODY,),
        "time-out after": (SmtpFault.SILENT_AFTER_BODY,),
        "slow": (SmtpFault.SLOW_AFTER_BODY,),
        "garbage": (SmtpFault.GARBAGE_AFTER_BODY,),
    },
    "sendgrid": {
        "none": (),
        "refuse": (SendGridFault.REFUSE, SendGridFault.TOO_LARGE),
        "again later": (
            SendGridFault.RATE_LIMIT,
            SendGridFault.RATE_LIMIT_RESET,
            SendGridFault.UNAUTHORIZED,
            SendGridFault.FORBIDDEN,
        ),
        "error": (SendGridFault.ERROR,),
        "reset before": (SendGridFault.RESET_BEFORE,),
        "reset after": (SendGridFault.RESET_AFTER,),
        "time-out after": (SendGridFault.SILENT_AFTER,),
        "slow": (SendGridFault.SLOW_AFTER,),
        "garbage": (SendGridFault.GARBAGE_AFTER,),
    },
}
PROVIDERS = tuple(FAULTS)
LANES = tuple(product(KINDS, PROVIDERS))


class Cell(NamedTuple):
    """One square of the matrix, of one ledger and one provider."""

    stop: Stop
    fault: str


def cells(provider: str) -> Iterator[Cell]:
    """Every square of one provider."""
    return (Cell(stop, fault) for stop, fault in product(Stop, FAULTS[provider]))
