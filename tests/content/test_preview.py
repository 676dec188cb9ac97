"""A message as files to open."""

from __future__ import annotations

from pathlib import Path

from tests.content.samples import compiled, context, workspace
from tidings.content.preview import write_preview
from tidings.content.render import render


def test_an_e_mail_is_two_files(tmp_path: Path) -> None:
    """The HTML as sent, and the text under its subject; both say the language in their names."""
    message = render(compiled(workspace(tmp_path)), "en", context())
    text, html = write_preview(message, tmp_path / "out", "news/hello")
    assert html is not None
    assert ("news-hello.en.txt", "news-hello.en.html") == (text.name, html.name)
    assert message.html == html.read_text(encoding="utf-8")
    assert f"News\n====\n\n{message.text}" == text.read_text(encoding="utf-8")


def test_a_text_message_is_one_file(tmp_path: Path) -> None:
    """Written again, it is overwritten."""
    root = workspace(tmp_path, {"news/short.en.txt": "Chào {{ customer.first_name }}"})
    message = render(compiled(root, "news/short", "sms"), "en", context())
    for _ in range(2):
        text, html = write_preview(message, tmp_path / "out", "news/short")
    assert html is None
    assert "Chào Ana" == text.read_text(encoding="utf-8")
