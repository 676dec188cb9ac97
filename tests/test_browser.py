"""Every e-mail and the report, in every language, as a phone shows them: in a real browser, 360 px wide."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.content.samples import LOCALES, PRODUCTS, context
from tests.content.test_shipped import EMAILS, template
from tests.reports.conftest import MakeFacts, make_facts  # noqa: F401 - pytest finds the fixture here
from tidings.content.render import render
from tidings.reports import build_report
from tidings.reports.builtin import register_report_sections
from tidings.reports.letter import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MEND = "on Debian: sudo apt install chromium fonts-noto-cjk"
OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --force-color-profile=srgb"
).split()
WIDTH, HEIGHT, A_ROW = 360, 1400, 9
PICTURE = "https://sunrise.example/milk.png"
# A letter nobody has a glyph for, and one more of them, by which the page shows that it can tell.
NO_LETTER, NOR_THIS = "\u0378", "\u0379"
CONSTANTS = f"const WIDTH = {WIDTH}, NO_LETTER = {json.dumps(NO_LETTER)}, NOR_THIS = {json.dumps(NOR_THIS)};"
SCRIPT = """
const drawn = {};
const draw = (letter, font) => drawn[letter + font] ??= drawAnew(letter, font);
const drawAnew = (letter, font) => {
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d", {willReadFrequently: true});
  canvas.width = canvas.height = 40; pen.font = "24px " + font; pen.fillText(letter, 4, 30);
  return pen.getImageData(0, 0, 40, 40).data.join();
};
const look = frame => {
  const page = frame.contentDocument, body = page.body, all = [...body.querySelectorAll("*")];
  const font = getComputedStyle(body.querySelector("p, td, div")).fontFamily, box = draw(NO_LETTER, font);
  return {
    width: page.documentElement.scrollWidth,
    wide: all.filter(one => one.getBoundingClientRect().right > WIDTH + 1).map(one => one.outerHTML.slice(0, 90)),
    images: [...page.images].map(one => [one.naturalWidth, one.getAttribute("alt")]),
    boxes: [...new Set(body.innerText + NOR_THIS + "中")].filter(one => one.trim() && draw(one, font) === box).join(""),
    letters: body.innerText.length,
  };
};
addEventListener("load", () => {
  document.body.dataset.found = JSON.stringify([...document.querySelectorAll("iframe")].map(look));
});
"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=f"there is no Chromium; {MEND}")


@dataclass(frozen=True)
class Shown:
    """What the browser made of one page."""

    name: str
    found: dict[str, Any]
    picture: Image.Image


@pytest.fixture(scope="module")
def pages(request: pytest.FixtureRequest, root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The HTML of each e-mail, with pictures of the products, and of the report, in each language."""
    folder = tmp_path_factory.mktemp("report")
    facts: MakeFacts = request.getfixturevalue("make_facts")
    products = [product | {"url": "https://sunrise.example", "image_url": PICTURE} for product in PRODUCTS]
    found = {}
    for locale in LOCALES:
        for name in EMAILS:
            page = str(render(template(name), locale, context(locale, products=products)).html)
            found[f"{name} {locale}"] = page.replace(PICTURE, f"data:image/png;base64,{_milk()}")
        built = build_report(facts(locale), register_report_sections(), root=root)
        found[f"report {locale}"] = write_report(built, folder, locale)[0].read_text(encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def shown(pages: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> list[Shown]:
    """All of them in one run of the browser, side by side."""
    folder = tmp_path_factory.mktemp("browser")
    style = f"width:{WIDTH}px;height:{HEIGHT}px;border:0"
    frames = "".join(f'<iframe style="{style}" srcdoc="{html.escape(page)}"></iframe>' for page in pages.values())
    body = f'<body style="margin:0;display:flex;flex-wrap:wrap">{frames}<script>{CONSTANTS}{SCRIPT}</script>'
    (folder / "all.html").write_text(f"<!doctype html><meta charset=utf-8>{body}", encoding="utf-8")
    rows = -(-len(pages) // A_ROW)
    window = f"--window-size={A_ROW * WIDTH},{rows * HEIGHT}"
    files = (f"--user-data-dir={folder / 'profile'}", f"--screenshot={folder / 'all.png'}")
    command = [str(CHROMIUM), *OPTIONS, *files, window, "--dump-dom", (folder / "all.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    found = re.search(r'<body [^>]*data-found="([^"]*)"', done.stdout)
    assert found, done.stderr
    with Image.open(folder / "all.png") as picture:
        whole = picture.convert("RGB")
    corners = [(index % A_ROW * WIDTH, index // A_ROW * HEIGHT) for index in range(len(pages))]
    parts = [whole.crop((x, y, x + WIDTH, y + HEIGHT)) for x, y in corners]
    return [Shown(*each) for each in zip(pages, json.loads(html.unescape(found[1])), parts, strict=True)]


def _milk() -> str:
    """A picture of a product, small."""
    file = BytesIO()
    Image.new("RGB", (64, 64), "#cfe0ea").save(file, "png")
    return b64encode(file.getvalue()).decode()


def test_nothing_is_wider_than_the_phone(shown: list[Shown]) -> None:
    """Nobody scrolls sideways, and nothing is cut off at the right."""
    assert len(shown) == 3 * (len(EMAILS) + 1)
    assert {one.name: one.found["wide"] for one in shown if one.found["wide"]} == {}
    assert {one.name: one.found["width"] for one in shown if one.found["width"] > WIDTH} == {}


def test_every_picture_is_there_and_has_words(shown: list[Shown]) -> None:
    """Products in the e-mails that show some, charts in the report."""
    for one in shown:
        images = one.found["images"]
        assert [width for width, _ in images if not width] == [], one.name
        assert [alt for _, alt in images if alt is None] == [], one.name
        if one.name.startswith("report"):
            assert len(images) >= 2, one.name
            assert all(alt for _, alt in images), one.name
    with_products = {one.name.split()[0] for one in shown if len(one.found["images"]) == len(PRODUCTS)}
    assert with_products == {"cross_sell_weekly/picks", "second_order/thanks", "win_back/miss_you"}


def test_every_letter_has_a_glyph(shown: list[Shown]) -> None:
    """Vietnamese diacritics and Chinese as well: no empty box stands for a letter."""
    boxes = {one.name: one.found["boxes"].replace(NOR_THIS, "") for one in shown}
    assert all(one.found["boxes"] != boxes[one.name] for one in shown), "a letter that nobody has was not told apart"
    if any("中" in each for each in boxes.values()):
        pytest.skip(f"there are no Chinese fonts; {MEND}")
    assert {name: each for name, each in boxes.items() if each} == {}
    assert min(one.found["letters"] for one in shown) > 200


def test_every_page_shows_something(shown: list[Shown]) -> None:
    """In the picture: paper, and ink on it; none is blank or black."""
    for one in shown:
        colours = one.picture.getcolors(WIDTH * HEIGHT) or []
        paper = max(count for count, _ in colours) / (WIDTH * HEIGHT)
        assert 0.3 < paper < 0.97, (one.name, paper)
        assert len(colours) > 50, one.name
