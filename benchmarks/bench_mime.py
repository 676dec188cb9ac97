"""How long one e-mail takes to become bytes, beside the standard library's EmailMessage, in one run.

The same message of 25 KB, text and HTML. Prints both medians and their ratio; both must hold the same bodies.
`make bench`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage

from tidings.model.delivery import Outgoing
from tidings.providers.mime import build_mime

ROUNDS, MESSAGES = 21, 50
MESSAGE = Outgoing(
    send_key="0" * 32,
    channel="email",
    to="lan@example.com",
    sender="news@example.com",
    sender_name="Sữa Ngon",
    subject="Sữa tươi cho chị Lan",
    html="<p>sữa tươi</p>\n" * 1500,
    text="sữa\n" * 200,
)


def library(message: Outgoing) -> bytes:
    """The message as the standard library writes it."""
    made = EmailMessage(policy=policy.SMTP)
    made["From"] = f"{message.sender_name} <{message.sender}>"
    made["To"], made["Subject"] = message.to, message.subject
    made.set_content(message.text, cte="base64")
    made.add_alternative(message.html, subtype="html", cte="base64")
    return made.as_bytes()


def bodies(raw: bytes) -> list[str]:
    """Text and HTML of a message."""
    parsed = message_from_bytes(raw, policy=policy.default)
    return [part.get_content().replace("\r\n", "\n") for part in parsed.walk() if not part.is_multipart()]


def milliseconds(make: Callable[[Outgoing], bytes]) -> float:
    """The median of one message."""
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(MESSAGES):
            make(MESSAGE)
        taken.append((time.perf_counter() - start) / MESSAGES * 1000)
    return statistics.median(taken)


def main() -> None:
    """Compare, then measure."""
    if bodies(build_mime(MESSAGE)) != bodies(library(MESSAGE)):
        raise SystemExit("the two messages differ")
    ours, theirs = milliseconds(build_mime), milliseconds(library)
    print(f"build_mime {ours:.3f} ms, EmailMessage {theirs:.3f} ms, ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
