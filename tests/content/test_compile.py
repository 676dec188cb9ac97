"""A template compiles once, in every language that has texts, and says where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.content.samples import EMAIL, OFFER, TEXTS, UNSUBSCRIBE, compiled, context, workspace
from tidings.content.compile import CompiledTemplate, compile_template
from tidings.content.render import render
from tidings.errors import TidingsError, Where

VI = "subject: Tin\npreheader: Xem\nhello: Chào\n"


def test_texts_are_put_in_and_escaped(tmp_path: Path) -> None:
    """The words of the language stand in the HTML, escaped; the expressions in them are still Jinja."""
    words = TEXTS.replace("hello: Hello", "hello: <b>Tom & Ana</b>")
    part = compiled(workspace(tmp_path, {"news/hello.en.yaml": words})).parts["en"]
    assert part.html is not None
    assert "&lt;b&gt;Tom &amp; Ana&lt;/b&gt; {{ customer.first_name" in part.html
    assert "<b>Tom & Ana</b> {{ customer.first_name" in part.text
    assert "t.hello" not in part.html


def test_a_compiled_template_survives_json(tmp_path: Path) -> None:
    """A plan stores it, and deliver reads the very same."""
    one = compiled(workspace(tmp_path))
    assert one == CompiledTemplate.model_validate_json(one.model_dump_json())


def test_deliver_never_reads_templates_again(tmp_path: Path) -> None:
    """Once compiled, the files may change or go."""
    root = workspace(tmp_path)
    one = compiled(root)
    for path in sorted((root / "templates").rglob("*.*")):
        path.unlink()
    assert "Hello Ana" in render(one, "en", context()).text


def test_a_template_overrides_the_texts_of_partials(tmp_path: Path) -> None:
    """A key of the template's own file wins over the partials' file."""
    root = workspace(tmp_path, {"news/hello.en.yaml": TEXTS + "leave: Stop these letters\n"})
    assert "Stop these letters" in compiled(root).parts["en"].text


def test_missing_languages_fall_back(tmp_path: Path) -> None:
    """The reader's language, then the workspace's, then English; regions read their language."""
    root = workspace(tmp_path, {"news/hello.vi.yaml": VI, "partials/strings.vi.yaml": "leave: Ngừng\n"})
    both = compiled(root, locales=["vi-VN", "zh"], default_locale="vi")
    assert {"vi", "en"} == set(both.parts)
    assert ["vi", "vi", "vi", "en"] == [both.locale_for(tag) for tag in ("vi", "vi-VN", "zh", "en-GB")]
    assert ["vi-VN", "vi", "en-GB"] == [both.reader_locale(tag) for tag in ("vi-VN", "zh", "en-GB")]
    assert ["en"] == list(compiled(root, locales=["zh"], default_locale="zh").parts)


def test_a_language_without_english_is_enough(tmp_path: Path) -> None:
    """A workspace of one language need not write English."""
    root = workspace(tmp_path, {"news/short.vi.txt": "Chào"})
    assert "vi" == compiled(root, "news/short", "sms").locale_for("en")


def test_half_a_translation_is_a_mistake(tmp_path: Path) -> None:
    """A language that has a file has all texts, those of the partials too; the error says which language."""
    root = workspace(tmp_path, {"news/hello.vi.yaml": VI})
    with pytest.raises(TidingsError, match="no text 'leave' in 'vi'") as caught:
        compiled(root, locales=["vi"])
    assert "templates/partials/foot.mjml:1:68" == str(caught.value.where)


def test_a_subject_of_a_variant_replaces_every_language(tmp_path: Path) -> None:
    """It may be words, or name a text that each language has."""
    root = workspace(tmp_path, {"news/hello.en.yaml": TEXTS + "subject_direct: Three things\n"})
    assert "Plain words" == render(compiled(root, subject="Plain words"), "en", context()).subject
    direct = compiled(root, subject="{{ t.subject_direct }} for {{ customer.first_name }}")
    assert "Three things for Ana" == render(direct, "en", context()).subject
    where = Where("config/campaigns/a.yaml", 7, 3)
    with pytest.raises(TidingsError, match="no text 'subject_dir'") as caught:
        compiled(root, subject="{{ t.subject_dir }}", subject_where=where)
    assert where == caught.value.where


def test_a_hand_written_text_part_is_used_as_it_is(tmp_path: Path) -> None:
    """One file for all languages, with the same texts."""
    root = workspace(tmp_path, {"news/hello.txt": "{{ t.hello }} <3\n{{ unsubscribe_url }}\n"})
    assert "Hello Ana <3\nhttps://" in render(compiled(root), "en", context()).text


def test_statements_between_rows_survive(tmp_path: Path) -> None:
    """Loops over products and conditions around sections reach the HTML through mj-raw and tables."""
    body = EMAIL.replace(
        "<mj-text>{{ t.hello }}</mj-text>",
        "<mj-text>{{ t.hello }}</mj-text><mj-table>{% for p in products %}"
        "<tr><td>{{ p.name }}</td></tr>{% endfor %}</mj-table>",
    ).replace("<mj-section>", "<mj-raw>{% if offer %}</mj-raw><mj-section>")
    body = body.replace("</mj-section>", "</mj-section><mj-raw>{% endif %}</mj-raw>")
    one = compiled(workspace(tmp_path, {"news/hello.mjml": body}))
    offered, plain = (render(one, "en", context(offer=offer)) for offer in (OFFER, None))
    assert 3 == str(offered.html).count("<tr><td>")
    assert "Oat bars" in offered.text
    assert "Oat bars" not in str(plain.html) + plain.text


def test_a_condition_between_sections_guards_the_text_too(tmp_path: Path) -> None:
    """What only exists under it, such as an offer's code, costs neither part its rendering."""
    guarded = "<mj-section><mj-column><mj-text>{{ offer.code }}</mj-text></mj-column></mj-section>"
    guarded = f"<mj-raw>{{% if offer %}}</mj-raw>{guarded}<mj-raw>{{% endif %}}</mj-raw>"
    body = EMAIL.replace("<mj-body>", f"<mj-body>{guarded}").replace("</mj-body>", f"{guarded}</mj-body>")
    one = compiled(workspace(tmp_path, {"news/hello.mjml": body}))
    offered, plain = (render(one, "en", context(offer=offer)) for offer in (OFFER, None))
    assert (2, 2) == (str(offered.html).count("COMEBACK20"), offered.text.count("COMEBACK20"))
    assert ("COMEBACK20" in str(plain.html), "COMEBACK20" in plain.text) == (False, False)
    assert plain.text.startswith("Hello Ana")
    assert plain.text.endswith(UNSUBSCRIBE)


def hello(expression: str) -> dict[str, str]:
    """The e-mail with another expression in place of its greeting."""
    return {"news/hello.mjml": EMAIL.replace("{{ t.hello }}", expression)}


def texts(more: str) -> dict[str, str]:
    """The English texts and one line more."""
    return {"news/hello.en.yaml": TEXTS + more}


GREETING = "news/hello.mjml:4:16"
FOOT = "partials/foot.mjml"
BROKEN: list[tuple[dict[str, str], str, str]] = [
    (hello("{{ customer. }}"), GREETING, "not a valid template"),
    (hello("{{ t.helo }}"), GREETING, "no text 'helo'.*did you mean 'hello'"),
    (hello("{{ t.hello | upper }}"), GREETING, "stand by itself"),
    (hello("{% if t.hello %}{% endif %}"), GREETING, "stand by itself"),
    (hello("{{ 1 | monney }}"), GREETING, "no filter 'monney'; did you mean 'money'"),
    (hello("{{ 1 is prime }}"), GREETING, "no test 'prime'"),
    (hello("{% include 'x' %}"), GREETING, "use <mj-include"),
    (hello("{% if x %}"), GREETING, "{% if %} is never closed; add {% endif %}"),
    (hello("{% endfor %}"), GREETING, "{% endfor %} closes what is not open"),
    (hello("{{ " + "(" * 3000 + " }}"), "news/hello.mjml", "too deeply nested"),
    (
        {"news/hello.mjml": EMAIL.replace("<mj-text>", "<mj-txt>")},
        "news/hello.mjml:4:7",
        "no element <mj-txt>",
    ),
    (
        {"news/hello.mjml": EMAIL.replace("<mj-text>", '<mj-text colour="{{ 1 }}">')},
        "news/hello.mjml:4:24",
        "MJML drops",
    ),
    ({FOOT: "<mj-text>\n{{ t.gone }}</mj-text>"}, f"{FOOT}:2:1", "no text 'gone'"),
    ({FOOT: "<mj-text>\n{{ a b }}</mj-text>"}, f"{FOOT}:2:1", "not a valid template"),
    ({FOOT: "<mj-text>"}, f"{FOOT}:1:1", "never closed"),
    (texts("more: a {{ b c }}\n"), "news/hello.en.yaml:4:7", "not a valid template"),
    (texts("more: a {{ t.hello }}\n"), "news/hello.en.yaml:4:7", "cannot hold another text"),
    (texts("hello: again\n"), "news/hello.en.yaml:4:1", "written twice"),
    ({"news/hello.en.yaml": "subject: a\nhello: b\n"}, "news/hello.en.yaml:1:1", "'preheader' is missing"),
    ({"news/hello.txt": "a\n{{ t.nothing }}"}, "news/hello.txt:2:1", "no text 'nothing'"),
    ({"news/hello.txt": "{% for %}{% endfor %}"}, "news/hello.txt:1:1", "not a valid template"),
]


@pytest.mark.parametrize(("files", "place", "said"), BROKEN)
def test_a_mistake_is_named_at_its_place(tmp_path: Path, files: dict[str, str], place: str, said: str) -> None:
    """Each mistake a marketer can make says file, line, column and what to do. R47"""
    with pytest.raises(TidingsError, match=said) as caught:
        compiled(workspace(tmp_path, files))
    assert str(caught.value.where).startswith(f"templates/{place}")
    assert caught.value.fix


def test_an_e_mail_without_texts_says_which_file_to_write(tmp_path: Path) -> None:
    """MJML alone has no words."""
    root = workspace(tmp_path)
    (root / "templates/news/hello.en.yaml").unlink()
    with pytest.raises(TidingsError, match=r"write hello.en.yaml beside it"):
        compiled(root)


def test_a_missing_template_is_named(tmp_path: Path) -> None:
    """Each channel asks for its own kind of file."""
    root = workspace(tmp_path)
    with pytest.raises(TidingsError, match="no template 'news/hallo'; did you mean 'news/hello'"):
        compiled(root, "news/hallo")
    with pytest.raises(TidingsError, match="no template 'news/hello'"):
        compiled(root, channel="sms")


@pytest.mark.parametrize("channel", ["sms", "zalo"])
def test_text_channels_read_the_text_of_the_language(tmp_path: Path, channel: str) -> None:
    """A text message is its file, without HTML and subject; every channel but e-mail reads it."""
    root = workspace(
        tmp_path, {"news/short.en.txt": "Hi {{ customer.first_name }} & co\n", "news/short.vi.txt": "Chào"}
    )
    one = compile_template(root, "news/short", channel=channel, locales=["en", "vi"], default_locale="en")
    message = render(one, "en", context())
    assert ("Hi Ana & co", None, "") == (message.text, message.html, message.subject)
    assert "Chào" == render(one, "vi", context("vi")).text


def test_a_mistake_in_a_text_message_is_named_at_its_place(tmp_path: Path) -> None:
    """The place is in the file of that language."""
    root = workspace(tmp_path, {"news/short.en.txt": "Hi\n  {{ t.hello }}"})
    with pytest.raises(TidingsError, match="no text 'hello'") as caught:
        compiled(root, "news/short", "sms")
    assert "templates/news/short.en.txt:2:3" == str(caught.value.where)
