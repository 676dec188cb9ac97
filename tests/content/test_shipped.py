"""The templates that come with the workspace, in every language."""

from __future__ import annotations

import html
import re
import unicodedata
from functools import cache
from pathlib import Path

import pytest

from tests.content.samples import BRAND, LOCALES, PRODUCTS, ROOT, UNSUBSCRIBE, context
from tidings.content.compile import CompiledTemplate, compile_template
from tidings.content.context import contrast
from tidings.content.lint import lint
from tidings.content.render import Rendered, render
from tidings.content.sources import list_templates, string_files
from tidings.yamlfile import read_yaml

EMAILS = [
    "cross_sell_weekly/picks",
    "newsletter/weekly",
    "second_order/thanks",
    "win_back/goodbye",
    "win_back/miss_you",
]
GSM_7 = re.compile(r"[A-Za-z0-9 \r\n@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ!\"#¤%&'()*+,\-./:;<=>?¡ÄÖÑÜ§¿äöñüà]*")


@cache
def template(name: str) -> CompiledTemplate:
    """A shipped template in all languages."""
    channel = "email" if name in EMAILS else "sms"
    return compile_template(ROOT, name, channel=channel, locales=LOCALES, default_locale="en")


def message(name: str, locale: str, **changes: object) -> Rendered:
    """A shipped template rendered for one person."""
    return render(template(name), locale, context(locale, **changes))


def test_these_are_the_shipped_templates() -> None:
    """A new template is tested here, or this fails."""
    expected = dict.fromkeys(EMAILS, ("email",)) | {"win_back/nudge": ("sms",)}
    assert expected == list_templates(ROOT)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", EMAILS)
def test_every_e_mail_renders_with_link_and_address(name: str, locale: str) -> None:
    """HTML and text hold the person's unsubscribe link, the postal address and the reader's own words. R21 R57"""
    one = message(name, locale)
    assert locale == one.locale
    page = str(one.html)
    assert f'href="{UNSUBSCRIBE}"' in page
    assert html.escape(BRAND["address"]) in page
    assert f": {UNSUBSCRIBE}\n" in one.text
    assert BRAND["address"] in one.text
    assert f'<html lang="{locale}"' in page
    assert f"<title>{html.escape(one.subject, quote=False)}</title>" in page
    assert 8_000 < len(page.encode()) < 30_000
    assert "<img" not in page
    for text in (one.subject, one.text, page):
        assert not re.search(r"\{\{|\}\}|\{%|%\}|zq\d|\bNone\b", text)


@pytest.mark.parametrize("name", [*EMAILS, "win_back/nudge"])
def test_shipped_templates_pass_the_lint(name: str) -> None:
    """No finding as marketing, with no more columns than everybody has. R21"""
    assert [] == lint(template(name), purpose="marketing", customer_columns=["first_name", "last_name"])


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", EMAILS)
def test_nobody_needs_a_name_or_a_full_list(name: str, locale: str) -> None:
    """Without a first name, with one product or a dozen, with or without pictures, the message still reads."""
    picture = {"image_url": "https://sunrise.example/milk.jpg", "url": "https://sunrise.example/milk"}
    row = {"name": "Milk", "category": "", "price_minor": 99, "reason": "popular"}
    for rows in ([row], [row | picture] * 12):
        one = message(name, locale, customer={"first_name": None}, products=rows)
        assert "None" not in one.text
        assert not re.search(r"<img(?![^>]*alt=)", str(one.html))


@pytest.mark.parametrize("locale", LOCALES)
def test_no_products_no_heading_above_them(locale: str) -> None:
    """Where the thanks have nothing to recommend, neither part announces it."""
    heading = read_yaml(string_files(ROOT, "second_order/thanks")[locale], ROOT).data["often_added"]
    full, bare = (message("second_order/thanks", locale, products=rows) for rows in (PRODUCTS, []))
    assert (heading in str(full.html), heading in full.text) == (True, True)
    assert (heading in str(bare.html), heading in bare.text) == (False, False)
    assert "\n\n\n" not in bare.text


@pytest.mark.parametrize("name", EMAILS)
def test_the_languages_have_the_same_texts(name: str) -> None:
    """No key is missing or left over in a translation, and none is the English one again."""
    texts = {locale: read_yaml(path, ROOT).data for locale, path in string_files(ROOT, name).items()}
    assert set(LOCALES) == set(texts)
    assert set(texts["en"]) == set(texts["vi"]) == set(texts["zh"])
    for key in texts["en"]:
        assert 3 == len({texts[locale][key] for locale in LOCALES}), key


@pytest.mark.parametrize("path", sorted((ROOT / "templates").glob("*/*.*")), ids=lambda path: path.name)
def test_the_words_keep_the_house_style(path: Path) -> None:
    """No exclamation mark, no emoji, composed diacritics, and each language in its own script."""
    text = path.read_text(encoding="utf-8")
    words = re.sub(r"\{[{%#].*?[}%#]\}|<[^>]*>", " ", text, flags=re.DOTALL)
    if path.suffix in (".yaml", ".txt"):
        assert not set("!！") & set(words)
        assert not [sign for sign in text if unicodedata.category(sign) == "So"]
        assert text == unicodedata.normalize("NFC", text)
        assert (".zh." in path.name) == bool(re.search(r"[\u4e00-\u9fff]", words))
        assert (".vi." in path.name) == bool(re.search("[ạảấầẩậắằặẹẻẽếềểệịỉọỏốồổộớờởợụủứừửựỳỷỹđư]", words))


@pytest.mark.parametrize("path", sorted((ROOT / "templates").glob("*/*.yaml")), ids=lambda path: path.name)
def test_a_letter_begins_like_a_sentence(path: Path) -> None:
    """A salutation stands on a line of its own, and what comes after it has a capital."""
    letter = read_yaml(path, ROOT).data.get("letter", "")
    assert not letter[:1].islower()


@pytest.mark.parametrize(
    ("locale", "units", "limit"), [("en", "GSM-7", 160), ("vi", "UCS-2", 134), ("zh", "UCS-2", 134)]
)
def test_the_text_message_is_short_and_says_how_to_stop(locale: str, units: str, limit: int) -> None:
    """English fits one segment, the others two; each opens with the brand and ends with the way out."""
    text = message("win_back/nudge", locale).text
    assert (units == "GSM-7") == bool(GSM_7.fullmatch(text))
    assert len(text) <= limit
    assert "COMEBACK20" in text
    assert BRAND["name"] in text[:30]
    assert text.endswith(("STOP to opt out", "Từ chối: soạn TC", "拒收请回复R"))


def test_prices_read_as_the_locale_writes_them() -> None:
    """One product, three languages."""
    expected = {"en": "$3.49", "vi": "3,49\xa0US$", "zh": "US$3.49"}
    assert expected == {
        locale: next(
            line for line in message("cross_sell_weekly/picks", locale).text.split("\n") if "3" in line and "49" in line
        )
        for locale in LOCALES
    }


@pytest.mark.parametrize("name", EMAILS)
def test_colours_can_be_read(name: str) -> None:
    """Ink and quiet ink on every paper and tint of the e-mail have a contrast of 4.5 to 1, in light and in dark."""
    page = str(message(name, "en").html)
    light, _, dark = page.partition("prefers-color-scheme: dark")
    inks, papers = ["#1f1a17", "#5f574f"], ["#ffffff", "#f6f1e9", "#fbe3c4", "#fbf0dc"]
    assert min(contrast(ink, paper) for ink in inks for paper in papers) >= 4.5
    used = set(re.findall(r"#[0-9a-f]{6}", light + page.partition("</head>")[2]))
    tiles = {"#f4e3bf", "#f6d3c1", "#d9e4cc", "#cfe0ea", "#3b2f24"}
    ornaments = {"#e5ddd0", "#f6c66b", "#e8912d", "#000000"}
    assert used <= {*inks, *papers, *tiles, *ornaments, BRAND["colour"]}
    assert min(contrast("#3b2f24", tile) for tile in tiles - {"#3b2f24"}) >= 4.5
    for place in ("td.ink", ".ink div", ".ink a", ".ink .quiet", ".quiet a"):
        assert place in dark
    night = set(re.findall(r"background: (#[0-9a-f]{6})", dark))
    assert min(contrast(ink, paper) for ink in ("#f3ede4", "#bdb3a7") for paper in night) >= 4.5
    assert contrast("#ffffff", BRAND["colour"]) >= 4.5
