"""From a plan to SendGrid: messages share requests, and each person gets the very message that SMTP would carry."""

from __future__ import annotations

import asyncio
import email
import email.policy
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from tests.planning.campaigns import SEND, campaign
from tests.published import Published, objections
from tests.stage import NOW, Stage, person, register
from tidings.model.delivery import Outgoing
from tidings.providers.sendgrid import SendGrid, SendGridConfig
from tidings.providers.smtp import Smtp, SmtpConfig
from tidings.testing.sendgrid_emulator import SendGridEmulator
from tidings.testing.smtp_sink import SmtpSink
from tidings.verbs.deliver import deliver

NAMES = ["Lan", "O'Brien & <Sons>", "Ánh", "好", None, "-x0-", "a\u00a0b"]
LETTER = campaign(
    approval="none",
    steps=[SEND | {"recommend": {"strategy": "association_rules", "count": 3, "at_least": 1, "else": "skip"}}],
)


def prepared(stage: Stage) -> list[dict[str, Any]]:
    """A plan for people of all kinds of names, with three products or two."""
    stage.settings(allow=["*"])
    stage.add(LETTER)
    people = [
        person(number, first_name=name, products=("P1", "P2", "P3")[: 2 + number % 2])
        for number, name in enumerate(NAMES, 1)
    ]
    stage.people(people)
    stage.plan()
    return people


def content(body: dict[str, Any]) -> tuple[str, str, str]:
    """Subject, text and HTML of a mail/send request."""
    return body["subject"], *(part["value"] for part in body["content"])


def test_what_smtp_carries_and_what_sendgrid_joins(stage: Stage, tmp_path: Path, published: Published | None) -> None:
    """The same subject, text and HTML for each person, byte for byte but for the line ends that MIME prescribes.

    There is one request for each length of the list of products, which is part of the skeleton.
    """
    kind = register(stage, substitutes=True)
    prepared(stage)
    deliver(stage.project, NOW)
    given: list[Outgoing] = kind.given
    assert len(NAMES) == len(given) == sum(one.skeleton is not None for one in given)
    with SendGridEmulator() as emulator, SmtpSink(tmp_path / "inbox") as sink:
        config = SendGridConfig(api_key=SecretStr("SG.emulator"), host=emulator.url)
        for provider in (SendGrid(config, root=tmp_path), Smtp(SmtpConfig(port=sink.port), root=tmp_path)):
            said = asyncio.run(_sent(provider, given))
            assert {"accepted"} == {outcome.status for outcome in said}
        letters = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in _files(sink)]
    by_smtp = {
        letter["X-Tidings-Key"]: (letter["Subject"], *(part.get_payload(decode=True) for part in letter.iter_parts()))
        for letter in letters
    }
    by_sendgrid = {one["send_key"]: content(one["body"]) for one in emulator.accepted}
    assert by_smtp == {
        key: (subject, *(part.replace("\n", "\r\n").encode() for part in parts))
        for key, (subject, *parts) in by_sendgrid.items()
    }
    assert {one.send_key: (one.subject, one.text, one.html) for one in given} == by_sendgrid
    assert [] == objections(emulator, published)  # R60
    assert [3, 4] == sorted(len(body["personalizations"]) for body in emulator.requests)


def test_the_engine_hands_over_skeletons(stage: Stage, published: Published | None) -> None:
    """The dispatcher asks the provider what it can do; SendGrid takes what the plan counted, each with its link."""
    people = prepared(stage)
    with SendGridEmulator() as emulator:
        stage.settings(
            channels={"email": {"providers": ["sendgrid"]}},
            providers={"sendgrid": {"api_key": "SG.emulator", "host": emulator.url}},
        )
        deliver(stage.project, NOW)
    assert {"accepted": len(people)} == stage.states()
    assert 2 == len(emulator.requests)
    assert [] == objections(emulator, published)  # R60
    links = set()
    for one in emulator.accepted:
        [alone] = one["body"]["personalizations"]
        assert {"send_key": one["send_key"]} == alone["custom_args"]  # R13
        assert "List-Unsubscribe=One-Click" == alone["headers"]["List-Unsubscribe-Post"]  # R21
        link = alone["headers"]["List-Unsubscribe"].strip("<>")
        assert link in one["body"]["content"][1]["value"]
        links.add(link)
    assert len(people) == len(links)


def test_others_get_the_joined_message(stage: Stage) -> None:
    """A provider that does not substitute sees neither skeleton nor holes."""
    kind = register(stage)
    prepared(stage)
    deliver(stage.project, NOW)
    assert [(None, {})] * len(NAMES) == [(one.skeleton, one.holes) for one in kind.given]


async def _sent(provider: Any, batch: list[Outgoing]) -> list[Any]:
    try:
        return list(await provider.send(batch))
    finally:
        await provider.close()


def _files(sink: SmtpSink) -> list[Path]:
    return sorted(sink.folder.rglob("*.eml"))
