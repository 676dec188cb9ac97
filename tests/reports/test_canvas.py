"""The sheet charts are drawn on."""

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from tests.reports.conftest import needs_chinese
from tidings.reports.canvas import PIXELS, WIDTH, Sheet


def draw(words: str, language: str = "en") -> bytes:
    """A sheet with a wrapped line and a bar."""
    with Sheet(400, language) as sheet:
        y = sheet.paragraph(8, 24, words, 300)
        sheet.bar(8, y, 200, 8, "#0072B2")
        return sheet.png(y + 24)


def test_same_words_same_bytes() -> None:
    """A chart drawn again, in another thread at the same time, is the same file."""
    with ThreadPoolExecutor(4) as pool:
        pictures = set(pool.map(draw, ["$3 and $4, who fell away where"] * 8))
    assert len(pictures) == 1


def test_no_metadata_and_the_right_size() -> None:
    """Twice the width it is shown at, cut to its height, without date or program name in the file."""
    picture = Image.open(io.BytesIO(draw("words")))
    assert picture.width == PIXELS
    assert picture.height == round((24 + 24 + 24) * PIXELS / WIDTH)
    assert picture.info == {}


def test_lines_fit() -> None:
    """Lines are as wide as allowed at most, whole words, and nothing is lost."""
    words = "Đã hủy đăng ký, bị trả lại hoặc khiếu nại, hay là một lý do khác"
    with Sheet(100, "vi") as sheet:
        lines = sheet.wrap(words, 200)
        assert " ".join(lines) == words
        assert len(lines) > 1
        assert max(sheet.width_of(line) for line in lines) <= 200


@needs_chinese
def test_chinese_breaks_anywhere_but_before_punctuation() -> None:
    """Chinese needs no blanks to break at, and no line begins with its punctuation; no glyph is missing."""
    words = "客户数据过旧，不可靠。公司规则“open_complaint”不允许，可推荐的商品太少。"
    with Sheet(100, "zh") as sheet:
        lines = sheet.wrap(words, 180)
        assert "".join(lines) == words
        assert max(sheet.width_of(line) for line in lines) <= 180 + 16
    assert not any(line[0] in "，。”" for line in lines)
    assert draw(words, "zh") != draw("客" * len(words), "zh")


def test_pyplot_is_not_used() -> None:
    """Drawing changes no global state of matplotlib: pyplot, which keeps figures open, is not imported."""
    code = "import sys; from tests.reports.test_canvas import draw; draw('x'); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'matplotlib.figure'" in done.stdout
    assert "'matplotlib.pyplot'" not in done.stdout


def test_a_failure_gives_the_sheet_back() -> None:
    """An error while drawing lets the next chart be drawn, also in another thread."""
    with pytest.raises(ZeroDivisionError), Sheet(100, "en"):
        _ = 1 / 0
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(draw, "next").result(timeout=60)
