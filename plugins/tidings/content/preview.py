"""A rendered message as files that a marketer opens."""

from __future__ import annotations

from pathlib import Path

from tidings.content.render import Rendered


def write_preview(rendered: Rendered, folder: Path, name: str) -> tuple[Path, Path | None]:
    """The paths of the text file and, where the channel has HTML, of the HTML file; both are overwritten.

    `name` is the template's; its `/` becomes `-`. The text file opens with the subject.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{name.replace('/', '-')}.{rendered.locale}"
    text = folder / f"{stem}.txt"
    heading = f"{rendered.subject}\n{'=' * min(len(rendered.subject), 72)}\n\n" if rendered.subject else ""
    text.write_text(heading + rendered.text, encoding="utf-8")
    if rendered.html is None:
        return text, None
    html = folder / f"{stem}.html"
    html.write_text(rendered.html, encoding="utf-8")
    return text, html
