"""A built report as a message like any other, and as files that a browser shows."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path

from tidings.model.delivery import Attachment, Outgoing
from tidings.reports.build import BuiltReport
from tidings.reports.markup import content_id
from tidings.settings import Sender


def outgoing_report(built: BuiltReport, sender: Sender, to: str, send_key: str, now: datetime) -> Outgoing:
    """Text and HTML, the charts inside it, the CSV files beside it."""
    charts = [
        Attachment(name=f"{chart.name}.png", media_type="image/png", content=chart.png, content_id=content_id(chart))
        for chart in built.charts
    ]
    sheets = [
        Attachment(name=name, media_type="text/csv; charset=utf-8", content=content)
        for name, content in built.csv.items()
    ]
    return Outgoing(
        send_key=send_key,
        channel="email",
        to=to,
        sender=sender.email,
        sender_name=sender.name,
        reply_to=sender.reply_to,
        subject=built.subject,
        html=built.html,
        text=built.text,
        headers={"Auto-Submitted": "auto-generated", "Date": format_datetime(now)},
        attachments=(*charts, *sheets),
    )


def write_report(built: BuiltReport, folder: Path, name: str) -> tuple[Path, Path]:
    """The report as `<name>.html`, charts embedded, and `<name>.txt`, with `<name>.<sheet>.csv` beside them.

    The folder is made. Letters of `name` that are no file name become `-`. A reader never sees half a file.
    Returns the paths of HTML and text.
    """
    stem = re.sub(r"[^\w.+-]", "-", name).lstrip(".") or "report"
    html = built.html
    for chart in built.charts:
        data = f"data:image/png;base64,{b64encode(chart.png).decode('ascii')}"
        html = html.replace(f"cid:{content_id(chart)}", data)
    folder.mkdir(parents=True, exist_ok=True)
    files = {"html": html.encode(), "txt": built.text.encode(), **built.csv}
    for suffix, content in files.items():
        _replace(folder / f"{stem}.{suffix}", content)
    return folder / f"{stem}.html", folder / f"{stem}.txt"


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)
