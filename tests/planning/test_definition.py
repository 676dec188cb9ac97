from __future__ import annotations

import json

import pytest

from tests.planning.campaigns import SEND, campaign
from tests.stage import Stage
from tidings.planning.definition import compile_campaign, compile_step, customer_columns, definition_of

VARIANTS = [{"id": "warm", "share": "50%"}, {"id": "direct", "share": "50%", "template": "letter/other"}]


@pytest.fixture
def lettered(stage: Stage) -> Stage:
    """The stage with a second template, which asks for a feature in each of its parts."""
    folder = stage.project.root / "templates" / "letter"
    mjml = (folder / "hello.mjml").read_text()
    asked = '<mj-text>{{ "x" if customer.points else "" }}</mj-text><mj-text>{{ t.hello }}</mj-text>'
    (folder / "other.mjml").write_text(mjml.replace("<mj-text>{{ t.hello }}</mj-text>", asked))
    (folder / "other.en.yaml").write_text(
        'subject: "{{ customer.last_order_at | date }}"\n'
        'preheader: "{{ customer.first_name or 1 }}"\n'
        'hello: "{% if customer.children %}{{ customer.children }}{% endif %}"\n'
        "leave: Leave\n"
    )
    return stage


def test_columns_are_those_that_templates_name(lettered: Stage) -> None:
    """In the subject, the text and the HTML, in conditions too, each once; other names are no columns."""
    one = lettered.add(campaign(steps=[SEND | {"variants": VARIANTS}]))
    stored = compile_campaign(lettered.project, one)
    assert ["children", "first_name", "last_order_at", "points"] == customer_columns(stored)
    assert ["first_name"] == customer_columns(stored[:1])
    assert [] == customer_columns([])


def test_every_template_is_compiled_on_every_channel(lettered: Stage) -> None:
    """One entry a step, variant and channel, as plain JSON, each with its own words."""
    channels = {"any_of": ["email", "sms"]}
    one = lettered.add(campaign(steps=[SEND | {"send": channels, "variants": [VARIANTS[0] | {"share": "100%"}]}]))
    stored = compile_campaign(lettered.project, one)
    assert [("hello", "warm", "email"), ("hello", "warm", "sms")] == [
        (each["step"], each["variant"], each["channel"]) for each in stored
    ]
    assert stored == json.loads(json.dumps(stored))
    assert [True, False] == [each["compiled"]["parts"]["en"]["html"] is not None for each in stored]


def test_a_single_step_is_compiled_as_the_campaigns(lettered: Stage) -> None:
    """What a preview compiles is what a plan stores."""
    one = lettered.add(campaign())
    [stored] = compile_campaign(lettered.project, one)
    assert stored == compile_step(lettered.project, one, one.send_steps[0], "letter/hello")


@pytest.mark.parametrize(("name", "counts"), [("other.en.yaml", True), ("hello.mjml", True), ("third.mjml", False)])
def test_the_definition_has_the_templates_of_variants(lettered: Stage, name: str, counts: bool) -> None:
    """A byte in any template that the campaign sends is another definition; one that it does not send is not."""
    one = lettered.add(campaign(steps=[SEND | {"variants": VARIANTS}]))
    before = definition_of(lettered.project, one)
    path = lettered.project.root / "templates" / "letter" / name
    path.write_text((path.read_text() if path.exists() else "") + "\n")
    assert counts == (before != definition_of(lettered.project, one))
