"""Templates as campaigns use them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.mistakes.table import new_workspace
from tidings.content.uses import TemplateCheck
from tidings.project import load_project


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace without mistakes."""
    return new_workspace(tmp_path)


def edit(root: Path, name: str, old: str, new: str) -> None:
    """Replace a text of a file."""
    path = root / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def found(root: Path, columns: set[str] | None = None) -> list[str]:
    """level, place and reason of every finding."""
    return [
        f"{each.level} {each.file}:{each.line}:{each.column}: {each.reason}"
        for each in TemplateCheck(load_project(root), columns).findings()
    ]


def test_templates_that_are_well_used_are_well(workspace: Path) -> None:
    """Nothing is found in a workspace without mistakes."""
    assert found(workspace) == []


def test_every_language_is_looked_at(workspace: Path) -> None:
    """A mistake in the English texts does not hide the one in the Vietnamese."""
    edit(workspace, "templates/hello/brief.en.yaml", "| percent }}", "| percnt }}")
    edit(workspace, "templates/hello/brief.vi.yaml", "| percent }}", "| percent }")
    assert [line.split(": ")[0] for line in found(workspace)] == [
        "error templates/hello/brief.en.yaml:3:8",
        "error templates/hello/brief.vi.yaml:3:54",
    ]


def test_nothing_hides_anything(workspace: Path) -> None:
    """Missing texts, wrong names and a bad filter are all said, each once for all languages and both parts."""
    wrong = "{{ t.headlin }} {{ customer.fist_name }} {{ nosuch }} {{ t.bye }} {{ t.hello }}"
    edit(workspace, "templates/hello/brief.mjml", "{{ t.hello }}", wrong)
    edit(workspace, "templates/hello/brief.en.yaml", "leave:", "bye: So long\nleave:")
    edit(workspace, "templates/hello/brief.en.yaml", "leave:", "more: '{{ 1 | percnt }}'\nleave:")
    place = "templates/hello/brief.mjml:5"
    filter_ = "not a valid template: there is no filter 'percnt'; did you mean 'percent'?"
    assert sorted(found(workspace, {"first_name"})) == [
        f"error templates/hello/brief.en.yaml:5:7: {filter_}",
        f"error {place}:18: there is no text 'headlin'",
        f"error {place}:34: there is no variable 'customer.fist_name'",
        f"error {place}:59: there is no variable 'nosuch'",
        f"error {place}:72: there is no text 'bye' in 'vi'",
    ]


def test_a_text_message_says_all_of_its_mistakes(workspace: Path) -> None:
    """Its own file holds all its words."""
    edit(workspace, "templates/hello/note.en.txt", "Hello", "{{ t.hello }} {{ t.bye }} {{ nosuch }}")
    assert [line.partition(": ")[2] for line in found(workspace)] == [
        "there is no text 'hello': a text message is written out in each language",
        "there is no text 'bye': a text message is written out in each language",
        "there is no variable 'nosuch'",
    ]


def test_a_column_of_the_customers_is_a_variable(workspace: Path) -> None:
    """Where the warehouse says which there are; without it any column passes."""
    edit(workspace, "templates/hello/brief.en.yaml", "customer.first_name", "customer.shoe_size")
    assert found(workspace) == []
    assert found(workspace, {"shoe_size"}) == []
    assert found(workspace, {"shoe_sizes"}) == [
        "error templates/hello/brief.en.yaml:3:8: there is no variable 'customer.shoe_size'"
    ]


def test_an_offer_may_be_asked_for(workspace: Path) -> None:
    """A template that prints it only where there is one needs none in the step."""
    edit(workspace, "config/campaigns/hello.yaml", ", offer: ten_percent", "")
    said = "error config/campaigns/hello.yaml:9:40: hello/brief prints an offer, and the step has none"
    assert found(workspace) == [said]
    for language in ("en", "vi"):
        edit(
            workspace,
            f"templates/hello/brief.{language}.yaml",
            "{{ offer.value | percent }}",
            "{% if offer %}{{ offer.value | percent }}{% endif %}",
        )
    assert found(workspace) == []


def test_variants_are_looked_at_with_their_own_subject_and_template(workspace: Path) -> None:
    """At the place of the variant."""
    edit(
        workspace,
        "config/campaigns/hello.yaml",
        "offer: ten_percent,",
        "offer: ten_percent, variants: [{id: a, share: 50%, template: hello/breif},"
        ' {id: b, share: 50%, subject: "{{ t.subjct }}"}],',
    )
    line = (workspace / "config" / "campaigns" / "hello.yaml").read_text().splitlines()[8]
    first, second = (line.index(text) + 1 for text in ("hello/breif", '"{{ t.subjct'))
    assert found(workspace) == [
        f"error config/campaigns/hello.yaml:9:{first}: there is no template 'hello/breif'",
        f"error config/campaigns/hello.yaml:9:{second}: there is no text 'subjct'",
    ]


def test_a_template_of_the_wrong_kind_is_missing(workspace: Path) -> None:
    """A text message cannot be sent from an e-mail's files."""
    edit(
        workspace, "config/campaigns/hello.yaml", "send: sms, template: hello/note", "send: sms, template: hello/brief"
    )
    assert "error config/campaigns/hello.yaml:14:41: there is no template 'hello/brief'" in found(workspace)
