"""A sheet to draw a chart on: CSS pixels, a font that holds the words, small PNG files that repeat exactly.

matplotlib's own objects are used, never pyplot: nothing global is changed and nothing stays open.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from threading import RLock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.text import Text

# Okabe & Ito (2008), "Color universal design": told apart by people who see colours differently.
BLUE, ORANGE, SKY, GREEN, VERMILLION = "#0072B2", "#E69F00", "#56B4E9", "#009E73", "#D55E00"
INK, MUTED, PAPER = "#1B1F23", "#5A6169", "#FFFFFF"

WIDTH = 480  # drawn at 480 and shown at up to 560: letters stay legible on a phone
PIXELS = 1120  # twice 560, for screens with two dots a pixel
COLOURS = 32

_CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "SimHei",
    "Noto Sans CJK JP",
)
_CHINESE_FILES = ("notosanscjk", "notosanssc", "sourcehansans", "wqy", "msyh", "simhei", "pingfang")

# matplotlib does not promise to be thread-safe: its font cache and FreeType are shared.
_DRAWING = RLock()


@lru_cache(maxsize=1)
def chinese_font() -> str | None:
    """The family of an installed font that holds Chinese, or None."""
    from matplotlib import font_manager

    with _DRAWING:
        known = _first_chinese(font_manager)
        if known is None:
            # Installed after matplotlib wrote its list of fonts.
            for path in font_manager.findSystemFonts():
                if any(part in path.lower().replace("-", "") for part in _CHINESE_FILES):
                    font_manager.fontManager.addfont(path)
            known = _first_chinese(font_manager)
    return known


def _first_chinese(font_manager: Any) -> str | None:
    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    return next((name for name in _CHINESE if name in installed), None)


class Sheet:
    """A white sheet of `WIDTH` by `height` CSS pixels, measured from its upper left corner.

    Use it as a context manager: one sheet is drawn at a time.
    """

    def __init__(self, height: float, language: str) -> None:
        self.height = height
        chinese = chinese_font() if language == "zh" else None
        self.fonts = [chinese, "DejaVu Sans"] if chinese else ["DejaVu Sans"]

    def __enter__(self) -> Sheet:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        _DRAWING.acquire()
        self._figure = Figure(figsize=(WIDTH / 100, self.height / 100), dpi=PIXELS / WIDTH * 100, facecolor=PAPER)
        self._canvas: Any = FigureCanvasAgg(self._figure)
        self._axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._resize(self.height)
        return self

    def __exit__(self, *exception: object) -> None:
        self._figure.clear()
        _DRAWING.release()

    def _resize(self, height: float) -> None:
        self.height = height
        self._figure.set_size_inches(WIDTH / 100, height / 100)
        self._axes.set_xlim(0, WIDTH)
        self._axes.set_ylim(height, 0)

    def write(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = 16,
        colour: str = INK,
        bold: bool = False,
        align: str = "left",
        clear: bool = False,
    ) -> Text:
        """Words with their baseline at `y`; `clear` wipes what is beneath. Dollar signs are not formulae."""
        return self._axes.text(
            x,
            y,
            words,
            fontsize=size * 0.72,
            color=colour,
            fontweight="bold" if bold else "normal",
            ha=align,
            va="baseline",
            family=self.fonts,
            parse_math=False,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.5} if clear else None,
        )

    def width_of(self, words: str, *, size: float = 16, bold: bool = False) -> float:
        """How wide the words would be."""
        text = self.write(0, 0, words, size=size, bold=bold)
        width = float(text.get_window_extent(self._canvas.get_renderer()).width)
        text.remove()
        return width * WIDTH / PIXELS

    def wrap(self, words: str, width: float, *, size: float = 16, bold: bool = False) -> list[str]:
        """Lines that fit the width; Chinese breaks between any two characters, other text between words."""
        lines, line = [], ""
        for piece in _pieces(words):
            if line and self.width_of((line + piece).rstrip(), size=size, bold=bold) > width:
                lines.append(line.rstrip())
                line = piece.lstrip()
            else:
                line += piece
        return [*lines, line.rstrip()]

    def paragraph(
        self,
        x: float,
        y: float,
        words: str,
        width: float,
        *,
        size: float = 16,
        colour: str = INK,
        bold: bool = False,
    ) -> float:
        """Wrapped words from the baseline `y` on; the baseline that a next line would have."""
        for line in self.wrap(words, width, size=size, bold=bold):
            self.write(x, y, line, size=size, colour=colour, bold=bold)
            y += size * 1.5
        return y

    def bar(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """A filled rectangle from its upper left corner."""
        from matplotlib.patches import Rectangle

        self._axes.add_patch(Rectangle((x, y), width, height, facecolor=colour, linewidth=0))

    def line(
        self, x: tuple[float, float], y: tuple[float, float], colour: str, width: float, dashed: bool = False
    ) -> None:
        """A straight line, `width` CSS pixels thick."""
        style = (0, (3, 3)) if dashed else "solid"
        self._axes.plot(x, y, color=colour, linewidth=width * 0.72, linestyle=style, solid_capstyle="butt")

    def curve(self, x: Sequence[float], y: Sequence[float], colour: str, width: float) -> None:
        """A line through these points, `width` CSS pixels thick."""
        self._axes.plot(x, y, color=colour, linewidth=width * 0.72, solid_joinstyle="round")

    def mark(self, x: float, y: float, shape: str, size: float, colour: str, hollow: bool = False) -> None:
        """A point: `o` or `D`."""
        self._axes.plot(
            [x],
            [y],
            marker=shape,
            markersize=size * 0.72,
            markeredgecolor=colour,
            markerfacecolor=PAPER if hollow else colour,
            markeredgewidth=1.5,
        )

    def png(self, height: float | None = None) -> bytes:
        """The picture, cut to `height`; few colours and no metadata, so the same chart is the same bytes."""
        from PIL import Image

        if height is not None:
            self._resize(height)
        self._canvas.draw()
        picture = Image.frombytes("RGBA", self._canvas.get_width_height(), bytes(self._canvas.buffer_rgba()))
        few = picture.convert("RGB").quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        file = BytesIO()
        few.save(file, "PNG", optimize=True)
        return file.getvalue()

    def svg(self, height: float | None = None) -> bytes:
        """The picture, cut to `height`, with its words as text; the same chart is the same bytes."""
        from matplotlib import rc_context

        if height is not None:
            self._resize(height)
        file = BytesIO()
        with rc_context({"svg.hashsalt": "tidings", "svg.fonttype": "none"}):
            self._figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
        return file.getvalue()


def _pieces(words: str) -> list[str]:
    """Where a line may break: after a blank, and around a Chinese character, never before punctuation."""
    pieces: list[str] = []
    for letter in words:
        breaks = not pieces or pieces[-1].endswith(" ") or _chinese(letter) or _chinese(pieces[-1][-1])
        if pieces and (not breaks or letter in "，。；：、）”%！？,.;:)"):
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return pieces


def _chinese(letter: str) -> bool:
    return "⺀" <= letter <= "鿿" or "＀" <= letter <= "￯"
