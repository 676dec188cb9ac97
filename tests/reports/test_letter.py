"""A report as an e-mail and as files."""

import re
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.reports.conftest import MakeFacts
from tidings.reports import BuiltReport, build_report, outgoing_report, write_report
from tidings.reports.builtin import register_report_sections
from tidings.settings import Sender

DATE = datetime(2026, 11, 22, 2, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def built(make_facts: MakeFacts, root: Path) -> BuiltReport:
    """A Vietnamese report: nothing of it is plain ASCII."""
    return build_report(make_facts("vi"), register_report_sections(), root=root)


def test_files_show_the_charts(built: BuiltReport, tmp_path: Path) -> None:
    """The page on disk needs no other file: its pictures are inside; text and sheets stand beside it."""
    html, text = write_report(built, tmp_path / "reports", "win_back.2026-11-22")
    page = html.read_text(encoding="utf-8")
    assert "cid:" not in page
    pictures = [b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', page)]
    assert pictures == [chart.png for chart in built.charts]
    assert text.read_text(encoding="utf-8") == built.text
    assert sorted(path.name for path in html.parent.iterdir()) == [
        "win_back.2026-11-22.html",
        "win_back.2026-11-22.messages.csv",
        "win_back.2026-11-22.plans.csv",
        "win_back.2026-11-22.result.csv",
        "win_back.2026-11-22.txt",
    ]


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("win_back-entry:2026-11-22", "win_back-entry-2026-11-22"),
        ("a 2026-11-22T09:00+07:00", "a-2026-11-22T09-00+07-00"),
        ("../../etc/passwd", "-..-etc-passwd"),
        ("", "report"),
    ],
)
def test_names_stay_in_the_folder(built: BuiltReport, tmp_path: Path, name: str, stem: str) -> None:
    """An occasion with colons is a file name, and no name leads out of the folder."""
    html, _ = write_report(built, tmp_path, name)
    assert html == tmp_path / f"{stem}.html"
    assert html.is_file()


def test_written_again(built: BuiltReport, tmp_path: Path) -> None:
    """A second report takes the place of the first and leaves no draft."""
    first = write_report(built, tmp_path, "r")
    before = sorted(path.name for path in tmp_path.iterdir())
    assert write_report(built, tmp_path, "r") == first
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_everything_goes_with_it(make_facts: MakeFacts, root: Path) -> None:
    """Each picture that the HTML shows is attached under its content id, each sheet beside them."""
    built = build_report(make_facts(), register_report_sections(), root=root)
    sender = Sender(email="news@example.com", name="Dairy Lane")
    message = outgoing_report(built, sender, "lan@example.com", "0" * 32, DATE)
    assert (message.subject, message.html, message.text) == (built.subject, built.html, built.text)
    pictures = {file.content_id: file.content for file in message.attachments if file.content_id}
    assert pictures == {f"{chart.name}@tidings": chart.png for chart in built.charts}
    assert all(f'src="cid:{name}"' in built.html for name in pictures)
    assert {file.name: file.content for file in message.attachments if not file.content_id} == built.csv
    assert message.headers["Date"] == "Sun, 22 Nov 2026 02:05:00 +0000"
