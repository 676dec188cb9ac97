"""What a template must hold before anybody is mailed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.content.samples import EMAIL, FOOT, TEXTS, compiled, workspace
from tidings.content.compile import CompiledTemplate
from tidings.content.lint import MAX_HTML, lint
from tidings.errors import Where
from tidings.model.counts import Finding


def email(tmp_path: Path, foot: str = FOOT, body: str = "{{ t.hello }}") -> CompiledTemplate:
    """The small e-mail with another footer or body."""
    files = {"partials/foot.mjml": foot, "news/hello.mjml": EMAIL.replace("{{ t.hello }}", body)}
    return compiled(workspace(tmp_path, files))


def place_of(finding: Finding) -> str:
    """file:line:column."""
    return str(Where(finding.file, finding.line, finding.column))


def reasons(one: CompiledTemplate, purpose: str = "marketing", columns: list[str] | None = None) -> list[str]:
    """Level and reason of every finding."""
    return [f"{each.level}: {each.reason}" for each in lint(one, purpose=purpose, customer_columns=columns)]


def test_a_marketing_e_mail_with_its_footer_passes(tmp_path: Path) -> None:
    """Address and unsubscribe link in HTML and text are enough. R21"""
    assert [] == reasons(email(tmp_path))


@pytest.mark.parametrize(
    ("foot", "lacks"),
    [
        ("<mj-text>{{ brand.address }}</mj-text>", [("news/hello.mjml:1:1", "unsubscribe_url", "")]),
        (
            '<mj-text><a href="{{ unsubscribe_url }}">x</a></mj-text>',
            [("news/hello.mjml:1:1", "brand.address", "")],
        ),
        (
            "<mj-text>x</mj-text>",
            [("news/hello.mjml:1:1", "unsubscribe_url", ""), ("news/hello.mjml:1:1", "brand.address", "")],
        ),
        (
            f"<mj-raw>{{% if offer %}}</mj-raw>{FOOT}<mj-raw>{{% endif %}}</mj-raw>",
            [("partials/foot.mjml:1:76", "unsubscribe_url", ""), ("partials/foot.mjml:1:44", "brand.address", "")],
        ),
        (
            FOOT.replace("<p>", '<p style="display:none">'),
            [("partials/foot.mjml:1:34", "brand.address", " (in en text, vi text)")],
        ),
    ],
)
def test_a_marketing_e_mail_without_its_footer_fails(
    tmp_path: Path, foot: str, lacks: list[tuple[str, str, str]]
) -> None:
    """Missing, or there only sometimes, is one error at its place for all parts; a service message needs none. R21"""
    files = {"partials/foot.mjml": foot, "news/hello.vi.yaml": TEXTS, "partials/strings.vi.yaml": "leave: x\n"}
    one = compiled(workspace(tmp_path, files), locales=["en", "vi"])
    expected = [
        (f"templates/{place}", f"a marketing e-mail lacks {path}, or has it under a condition{where}")
        for place, path, where in lacks
    ]
    assert expected == [(place_of(each), each.reason) for each in lint(one, purpose="marketing")]
    assert [] == reasons(one, "service")


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("Milk is here. Reply STOP to opt out", True),
        ("Sữa đã về. Từ chối: soạn TC", True),
        ("牛奶到了。拒收请回复R", True),
        ("Milk is here. {{ unsubscribe_url }}", True),
        ("Milk is here. {% if offer %}{{ unsubscribe_url }}{% endif %}", False),
        ("Nonstop milk", False),
    ],
)
def test_a_marketing_text_says_how_to_opt_out(tmp_path: Path, text: str, passes: bool) -> None:
    """A word or a link, outside every condition; a service message may do without. R21"""
    one = compiled(workspace(tmp_path, {"news/short.en.txt": text}), "news/short", "sms")
    assert ([] if passes else ["error: the en text does not say how to opt out"]) == reasons(one)
    assert [] == reasons(one, "service")


def test_the_text_that_does_not_say_how_to_opt_out_is_named(tmp_path: Path) -> None:
    """The file of the language, and the link's place where it is under a condition."""
    conditional = "Milk.\n{% if offer %}{{ unsubscribe_url }}{% endif %}"
    files = {"news/short.en.txt": "Milk", "news/short.vi.txt": "Sữa. STOP", "news/short.zh.txt": conditional}
    one = compiled(workspace(tmp_path, files), "news/short", "sms", locales=["en", "vi", "zh"])
    expected = ["templates/news/short.en.txt:1:1", "templates/news/short.zh.txt:2:15"]
    assert expected == [place_of(each) for each in lint(one, purpose="marketing")]


def test_gmail_does_not_cut_it_off(tmp_path: Path) -> None:
    """HTML of 102 KB is too long, one byte less is not. R57"""
    size = len(str(email(tmp_path).parts["en"].html).encode()) - len('Hello {{ customer.first_name or "you" \n}}')
    assert [] == reasons(email(tmp_path, body="x" * (MAX_HTML - size - 1)))
    found = reasons(email(tmp_path, body="x" * (MAX_HTML - size)))
    assert ["error: the en HTML has 102 KB; Gmail cuts it off at 102 KB"] == found


def test_pictures_have_words(tmp_path: Path) -> None:
    """An ornament says so by an empty alternative text. R57"""
    assert [] == reasons(email(tmp_path, body='<img src="x" alt="">'))
    bare = """<img src="x" width="10"><img alt="" src="y">{{ sender }}
        <img width="9" src="{{ brand.website }}/z.png">"""
    found = lint(email(tmp_path, body=bare), purpose="marketing")
    assert [
        ("templates/news/hello.mjml:1:1", 'a picture has no alternative text: <img src="x" width="10">'),
        (
            "templates/news/hello.mjml:5:29",
            'a picture has no alternative text: <img width="9" src="{{ brand.website }}/z.png">',
        ),
    ] == [(place_of(each), each.reason) for each in found]
    assert {"warning"} == {each.level for each in found}


def test_two_languages_have_one_finding(tmp_path: Path) -> None:
    """What the structure gets wrong is said once, and the largest of too large pages is named."""
    body = '<img src="x">' + "x" * MAX_HTML
    vi = {"news/hello.vi.yaml": TEXTS.replace("Hello", "Chào" * 1024), "partials/strings.vi.yaml": "leave: x\n"}
    files = {"news/hello.mjml": EMAIL.replace("{{ t.hello }}", "{{ t.hello }}" + body)}
    found = reasons(compiled(workspace(tmp_path, vi | files), locales=["en", "vi"]))
    assert ["error: the vi HTML has 110 KB; Gmail cuts it off at 102 KB", found[1]] == found


def test_unknown_variables_are_named_with_the_nearest_known_one(tmp_path: Path) -> None:
    """The place is the expression's own; a customer's columns are known once there is a snapshot."""
    one = email(tmp_path, body="{{ custmer.first_name }}{{ customer.ordres or 0 }}{{ offer.cod }}")
    found = lint(one, purpose="marketing", customer_columns=["orders", "first_name"])
    assert [
        ("there is no variable 'custmer.first_name'", "did you mean 'customer.first_name'?", 16),
        ("there is no variable 'customer.ordres'", "did you mean 'customer.orders'?", 40),
        ("there is no variable 'offer.cod'", "did you mean 'offer.code'?", 66),
    ] == [(each.reason, each.fix, each.column) for each in found]
    assert {("templates/news/hello.mjml", 4, "error")} == {(each.file, each.line, each.level) for each in found}
    assert 2 == len(lint(one, purpose="marketing"))
