"""What a refusal means: is the address itself at fault, or only this message, this sender or this moment.

Only the first gives an address up (R36), so a refusal is soft until its enhanced status code (RFC 3463) or its
words prove that there is nobody to write to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# The address, by RFC 3463 (3.2) and its registry: no such mailbox or host, bad syntax, moved, no way to it.
ADDRESS_CODES = frozenset({(1, 1), (1, 2), (1, 3), (1, 6), (1, 10), (4, 4)})
SENDER_CODES = frozenset({(1, 7), (1, 8)})

MAX_WORDS = 10_000

# Not where digits or dots go on before or after it: those are IP addresses and version numbers.
_CODE = re.compile(r"(?<![\d.])([245])\.([0-7])\.(\d{1,3})(?![\d.]?\d)")
_REFUSAL = re.compile(r"(?<![\d.])([45])\.([0-7])\.(\d{1,3})(?![\d.]?\d)")
_REPLY_AND_CODE = re.compile(r"\b[45]\d\d[- :]{1,3}['(#]{0,2}([45])\.([0-7])\.(\d{1,3})(?![\d.]?\d)")

_STAGE = re.compile(
    r"(?:in reply to|error[ \w]{0,30} (?:after|for)|>>>|RCPT:|\[|\() ?"
    r"(?:(?P<message>(?:end of )?data|text)|(?P<recipient>rcpt)|(?P<sender>mail[ _]from))(?![a-z])"
    r"|(?P<at_recipient>does not like recipient|did not like our rcpt|smtp:rcpt|server has rejected address)"
    r"|(?P<at_sender>sender was rejected)|(?P<at_message>after I sent the message)",
    re.IGNORECASE,
)


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases), re.IGNORECASE)


# The mailbox is there and cannot take this now, or its owner or server will not take it.
NOT_THE_ADDRESS = _any(
    r"\bquota|mailbox (?:is )?full|(?:mailbox|inbox)[ \w]{0,20} (?:full|exceeds)|out of storage|insufficient storage",
    r"\bspam|black ?list|block(?:ed| ?list)|\bdnsbl|\brbl\b|reputation|banned|unsolicited|suspicious|preferences",
    r"\bspf\b|\bdkim\b|\bdmarc\b|unauthenticated|authentication|\bptr\b|reverse dns|policy|policies|virus",
)
# Words that a code which names the address outweighs.
HARDLY_THE_ADDRESS = _any(
    r"too (?:big|large|many)|(?:size|length) (?:limit|exceeds)|limit(?:ed| exceeded)|content[ \w]{0,20} reject",
    r"relay|client host|\bhelo\b|\behlo\b|sender|mail from|from address|not allowed|not permitted|permission",
    r"try (?:again )?later|found, try again|temporar|timed? ?out|greylist|too long|deferred|expired|\bloop\b",
    r"suspend|disabled|discontinued|inactive|locked|mailer error|system error|service (?:currently )?unavailable",
)
# Whoever says so knows the address's domain: the words hold at any point of the conversation.
NO_SUCH_ADDRESS = _any(
    r"address (?:not found|could(?: not|n.t) be found|does not exist)|invalid (?:user address|recipient)",
    r"recipient(?: name is)? not (?:found|recognized)|recipnotfound|unknown recipient|no longer on server",
    r"not listed in|not our customer|destinataire invalide|does(?: not|n.t) have an? [ \w.-]{1,80} account",
    r"(?:domain|host)(?: name)? (?:does not exist|not found|unknown|is not reachable)|unknown (?:domain|host)",
    r"recipient address rejected: access denied",  # Exchange Online, of whom it does not know
    r"unroute?able address|dns lookup failure|null mx|no smtp service|does(?: not|n.t) (?:accept|receive) e?-?mail",
)
# Servers also say this of a message they do not want, after they took its recipient.
UNKNOWN_USER = _any(
    r"(?:user|account|mailbox|recipient)[ \w.]{0,20} (?:unknown|unavailable|not found|not exist|doesn.t exist)",
    r"(?:unknown|no such|unknown or illegal) (?:user|account|mailbox|recipient)|address rejected",
)


@dataclass(frozen=True)
class Verdict:
    """Whether the address is at fault, and the enhanced status code if the report has one."""

    hard: bool
    status: str | None


def judge(status: str, said: str, context: str) -> Verdict:
    """Weigh a report's `Status` field, the words of the last server, and the rest of the report about it."""
    said, context = said[:MAX_WORDS], context[:MAX_WORDS]
    code = _code(said, status, context)
    words = f"{said} {status}" if said.strip(" ;") else f"{context} {status}"
    hard = _at_fault(code, words, context, _stage(f"{said}\n{context}"))
    return Verdict(hard, ".".join(map(str, code)) if code else None)


def _code(said: str, status: str, context: str) -> tuple[int, int, int] | None:
    """The most telling code: the last server's own before the reporting one's, a precise one before x.0.0."""
    places = (
        (_REPLY_AND_CODE, said),
        (_REFUSAL, said),
        (_CODE, status),
        (_REPLY_AND_CODE, context),
        (_REFUSAL, context),
    )
    matches = [match for pattern, text in places if (match := pattern.search(text))]
    found = [(int(match[1]), int(match[2]), int(match[3])) for match in matches]
    return next((code for code in found if code[1:] != (0, 0)), found[0] if found else None)


def _stage(text: str) -> str:
    """The command that was refused: sender, recipient, message, or nothing where nobody says."""
    match = _STAGE.search(text)
    return match.lastgroup.removeprefix("at_") if match and match.lastgroup else ""


def _at_fault(code: tuple[int, int, int] | None, words: str, context: str, stage: str) -> bool:
    """Whether the address is proven to be at fault; `code` is weighed with what the words say against it."""
    if NOT_THE_ADDRESS.search(words):
        return False
    names_the_address = code is not None and code[1:] in ADDRESS_CODES
    for_now = code is not None and code[0] == 4
    if names_the_address and not for_now:
        return True
    if HARDLY_THE_ADDRESS.search(words) or stage == "sender" or (code and code[1:] in SENDER_CODES):
        return False
    if for_now:  # given up after days: only where the last try still met an unknown user
        return names_the_address and bool(UNKNOWN_USER.search(words))
    if NO_SUCH_ADDRESS.search(f"{words}\n{context}"):
        return True
    of_the_address = stage == "recipient" or (code is not None and code[1] == 1)
    return of_the_address and bool(UNKNOWN_USER.search(words))
