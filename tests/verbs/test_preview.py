"""`preview` shows what would leave: the preview cannot differ from the act."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.databases import dump
from tests.verbs.commands import answer
from tests.workspace import DAY, NOW, delivered, shop
from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.tables import messages
from tidings.model.counts import PreviewShape
from tidings.project import Project
from tidings.verbs.approve import approve
from tidings.verbs.deliver import deliver
from tidings.verbs.plan import plan
from tidings.verbs.preview import preview


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The shop."""
    return shop(tmp_path)


def _same(text: str) -> str:
    """Without what is one message's own: its link to leave."""
    return re.sub(r"https://crm\.example\.com/u/\S+", "LINK", text)


def test_an_email_is_two_files(project: Project) -> None:
    """One HTML and one text file in .tidings/preview, and not a row in the ledger."""
    with Ledger.open(project) as ledger:
        before = dump(ledger)
        shape = preview(project, "win_back/miss_you", "C0054", NOW)
        assert before == dump(ledger)
    html, text = Path(str(shape.html)), Path(shape.text)
    assert [html, text] == sorted((project.state / "preview").iterdir())
    assert "<html" in html.read_text()
    assert "<html" not in text.read_text()
    assert shape.subject in html.read_text() or shape.subject in text.read_text()


def test_a_text_message_is_one_file(project: Project) -> None:
    """SMS has no HTML, and names its sender and its offer as the message will."""
    shape = preview(project, "win_back/nudge", "C0054", NOW)
    assert shape.html is None
    text = Path(shape.text).read_text()
    assert "COMEBACK10" in text
    assert "Sunrise Dairy" in text


@pytest.mark.parametrize("name", ["newsletter/weekly", "second_order/thanks"])
def test_the_preview_is_what_leaves(project: Project, name: str) -> None:
    """For people of every language: the text and the subject of the message that was delivered, but for its link."""
    campaign = name.partition("/")[0]
    approve(project, campaign, NOW, who="lan")
    made = plan(project, campaign, NOW, commit=True)
    planned = made.rows[made.rows["decision"] == "planned"]
    for step in (0, 1, 2):
        deliver(project, NOW + step * DAY / 2)
    with Ledger.open(project) as ledger, ledger.read() as connection:
        keys = dict(connection.execute(select(messages.c.customer_id, messages.c.send_key)).all())
    letters = {one.key: one for one in delivered(project)}
    locales = set()
    for customer in list(planned["customer_id"])[:12]:
        shape = preview(project, name, customer, NOW)
        sent = letters[keys[customer]]
        locales.add(shape.locale[:2])
        assert shape.subject == sent.subject
        heading, _, *body = _same(Path(shape.text).read_text()).splitlines()
        assert heading == shape.subject
        assert body[1:] == _same(sent.text).splitlines()
    assert len(locales) > 1


def test_the_json_of_a_preview(project: Project) -> None:
    """`preview --json` is the shape."""
    arguments = ("preview", "win_back/miss_you", "--as", "C0054", "--at", NOW.isoformat())
    shape = answer(project, PreviewShape, *arguments)
    assert "win_back/miss_you" == shape.template
    assert Path(shape.text).is_file()


@pytest.mark.parametrize(
    ("template", "customer", "said"),
    [
        ("win_back/miss_yu", "C0054", "there is no template 'win_back/miss_yu'; did you mean 'win_back/miss_you'"),
        ("win_back/miss_you", "C9999", "there is no customer 'C9999'; use a customer_id of the last refresh"),
        ("win_back/unused", "C0054", "no campaign uses the template 'win_back/unused'; name it in a send step first"),
    ],
)
def test_what_cannot_be_previewed(project: Project, template: str, customer: str, said: str) -> None:
    """A misspelt template, one that nothing sends, and an unknown customer are told apart."""
    (project.root / "templates" / "win_back" / "unused.en.txt").write_text("x\n")
    with pytest.raises(TidingsError, match=said):
        preview(project, template, customer, NOW)
