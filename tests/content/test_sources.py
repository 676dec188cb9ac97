"""The files of a template are found, read and put together."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.content.samples import workspace
from tidings.content import sources
from tidings.errors import TidingsError


def names(root: Path, paths: list[Path]) -> list[str]:
    """Paths relative to templates/."""
    return [path.relative_to(root / "templates").as_posix() for path in paths]


def test_templates_are_listed_with_their_kinds(tmp_path: Path) -> None:
    """MJML makes an e-mail, a text with a locale an SMS; partials, reports and text parts are none."""
    root = workspace(
        tmp_path,
        {
            "news/hello.txt": "text part",
            "news/short.vi.txt": "a",
            "news/both.mjml": "<mjml></mjml>",
            "news/both.en.txt": "a",
            "reports/weekly.mjml": "<mjml></mjml>",
            "stray.mjml": "<mjml></mjml>",
        },
    )
    expected = {"news/both": ("email", "sms"), "news/hello": ("email",), "news/short": ("sms",)}
    assert expected == sources.list_templates(root)
    assert {} == sources.list_templates(tmp_path / "nowhere")


def test_sources_are_every_file_the_words_come_from(tmp_path: Path) -> None:
    """The definition hash covers includes of includes and all languages, and nothing of other templates."""
    files = {
        "news/hello.vi.yaml": "subject: a",
        "news/hello.txt": "text",
        "news/hello_you.mjml": "<mjml></mjml>",
        "partials/foot.mjml": '<mj-include path="partials/line.mjml" />',
        "partials/line.mjml": "<mj-divider />",
        "partials/other.mjml": "<mj-divider />",
        "partials/strings.vi.yaml": "leave: a",
    }
    root = workspace(tmp_path, files)
    expected = [
        "news/hello.en.yaml",
        "news/hello.mjml",
        "news/hello.txt",
        "news/hello.vi.yaml",
        "partials/foot.mjml",
        "partials/line.mjml",
        "partials/strings.en.yaml",
        "partials/strings.vi.yaml",
    ]
    assert expected == names(root, sources.template_sources(root, "news/hello"))


def test_sources_of_an_sms_are_its_languages(tmp_path: Path) -> None:
    """Partials do not change a text message."""
    root = workspace(tmp_path, {"news/short.en.txt": "a", "news/short.vi.txt": "b"})
    assert ["news/short.en.txt", "news/short.vi.txt"] == names(root, sources.template_sources(root, "news/short"))


@pytest.mark.parametrize("name", ["../secrets/x", "news", "/etc/passwd", "News/Hello", "news/hello.mjml", "news//x"])
def test_a_name_is_not_a_path(tmp_path: Path, name: str) -> None:
    """Nothing outside templates/ can be named."""
    with pytest.raises(TidingsError, match="cannot be the name of a template"):
        sources.template_sources(workspace(tmp_path), name)


def test_a_missing_template_is_answered_with_the_nearest_one(tmp_path: Path) -> None:
    """A slip in a name is answered with the name that was meant."""
    root = workspace(tmp_path)
    for call in (sources.template_sources, sources.mjml_file, sources.text_files):
        with pytest.raises(TidingsError, match=r"no template 'news/helo'; did you mean 'news/hello'"):
            call(root, "news/helo")


@pytest.mark.parametrize(
    ("include", "said"),
    [
        (
            '<mj-include path="partials/fot.mjml" />',
            "no file 'partials/fot.mjml'.*did you mean 'partials/foot.mjml'",
        ),
        ('<mj-include path="../outside.mjml" />', "names a file of templates/"),
        ('<mj-include path="partials/out.mjml" />', "names a file of templates/"),
        ("<mj-include />", "names a file of templates/"),
        ('<mj-include path="news/hello.mjml" />', "includes itself"),
    ],
)
def test_an_include_stays_inside_and_ends(tmp_path: Path, include: str, said: str) -> None:
    """An include that is missing, leaves templates/ (a link too) or never ends is an error at its place. R47"""
    root = workspace(tmp_path, {"news/hello.mjml": f"<mjml>\n  <mj-body>{include}</mj-body></mjml>"})
    (tmp_path / "outside.mjml").write_text("<mj-divider />")
    (root / "templates/partials/out.mjml").symlink_to(tmp_path / "outside.mjml")
    with pytest.raises(TidingsError, match=said) as caught:
        sources.template_sources(root, "news/hello")
    assert "templates/news/hello.mjml:2:12" == str(caught.value.where)


def test_a_file_is_read_as_text_of_limited_size(tmp_path: Path) -> None:
    """Line ends are line feeds, a byte-order mark is dropped; other encodings and huge files are refused."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfa\r\nb\rc")
    assert "a\nb\nc" == sources.read_text(tmp_path, path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(TidingsError, match=r"^a.txt: the file is not UTF-8"):
        sources.read_text(tmp_path, path)
    path.write_bytes(b"x" * (sources.MAX_BYTES + 1))
    with pytest.raises(TidingsError, match="larger than 128 KB"):
        sources.read_text(tmp_path, path)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("- a\n", "1:1", "a list of `key: text`"),
        ("subject: a\nbad-key: b\n", "2:1", "'bad-key' cannot be used"),
        ("subject: a\nbody:\n  deep: b\n", "3:3", "'body' is not a text"),
        ("subject: true\n", "1:10", "'subject' is not a text"),
        ("subject:\n", "1:9", "'subject' is not a text"),
        ("subject: a {{ b\n", "1:12", "is never closed"),
    ],
)
def test_a_strings_file_is_a_flat_list_of_texts(tmp_path: Path, text: str, place: str, said: str) -> None:
    """Whatever else stands in it is refused at its place."""
    path = tmp_path / "a.en.yaml"
    path.write_text(text)
    with pytest.raises(TidingsError, match=said) as caught:
        sources.read_strings(tmp_path, path)
    assert f"a.en.yaml:{place}" == str(caught.value.where)


def test_a_number_in_a_strings_file_is_its_text(tmp_path: Path) -> None:
    """What looks like a number is a word like any other."""
    path = tmp_path / "a.en.yaml"
    path.write_text("year: 2026\n")
    assert ["2026"] == [piece.text for piece in sources.read_strings(tmp_path, path)["year"]]
