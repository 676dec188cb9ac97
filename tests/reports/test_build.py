"""A whole report from its facts."""

import re
import shutil
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.reports.conftest import MakeFacts, campaign, measure
from tidings.errors import TidingsError
from tidings.model.seams import Chart, ReportSection, SectionContent
from tidings.reports import build_report
from tidings.reports.builtin import register_report_sections

EVIL = '<script>alert("x")</script>'


class Broken(ReportSection):
    name: ClassVar[str] = "company_costs"

    def build(self, facts: Mapping[str, Any]) -> SectionContent | None:
        raise KeyError("lan@example.com")


class Told(ReportSection):
    name: ClassVar[str] = "company_told"

    def build(self, facts: Mapping[str, Any]) -> SectionContent | None:
        raise TidingsError("no costs are known", "write config/costs.yaml")


class Silent(ReportSection):
    name: ClassVar[str] = "company_silent"

    def build(self, facts: Mapping[str, Any]) -> SectionContent | None:
        return None


class Own(ReportSection):
    name: ClassVar[str] = "company_own"

    def build(self, facts: Mapping[str, Any]) -> SectionContent | None:
        chart = Chart("own", b"\x89PNG own", "17 complaints")
        title = facts["reader"].say("messages_withheld", n=facts["reader"].count(17))
        return SectionContent(title, "<p>ours</p>", "ours", [chart])


class Page(HTMLParser):
    """Collects what a test asks of a page: attributes of tags, and tags left open."""

    VOID: ClassVar[set[str]] = {"meta", "br", "img"}

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.wrong.append(tag)


@pytest.mark.parametrize("locale", ["en", "vi", "zh"])
def test_report_in_each_language(make_facts: MakeFacts, root: Path, locale: str) -> None:
    """Well-formed HTML in the reader's language, small enough not to be cut, every picture with words."""
    built = build_report(make_facts(locale), register_report_sections(), root=root)
    page = Page(built.html)
    assert (page.open, page.wrong) == ([], [])
    assert next(attrs["lang"] for tag, attrs in page.tags if tag == "html") == locale
    assert len(built.html.encode()) < 102 * 1024
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert [image["src"] for image in images] == ["cid:lift@tidings", "cid:waterfall@tidings"]
    assert [image["alt"] for image in images] == [chart.alt for chart in built.charts]
    assert all(re.search(r"\d", chart.alt) for chart in built.charts)
    assert set(built.csv) == {"result.csv", "plans.csv", "messages.csv"}


def test_text_says_what_html_says(make_facts: MakeFacts, root: Path) -> None:
    """Every heading and every number of the HTML is in the text as well."""
    built = build_report(make_facts(), register_report_sections(), root=root)
    visible = re.sub(r"<style>.*?</style>|<[^>]+>", " ", built.html, flags=re.DOTALL)
    numbers = set(re.findall(r"\$?\d[\d,.]*\d%?", visible))
    assert len(numbers) > 15
    assert sorted(number for number in numbers if number not in built.text) == []
    for heading in re.findall(r"<h2[^>]*>([^<]+)</h2>", built.html):
        assert heading in built.text


def test_same_facts_same_report(make_facts: MakeFacts, root: Path) -> None:
    """A report built again is the same, byte for byte: nothing in it depends on the clock."""
    first, second = (build_report(make_facts(), register_report_sections(), root=root) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("key", ["title", "brand", "quarantined", "occasion", "reason", "state"])
def test_nothing_from_outside_becomes_markup(make_facts: MakeFacts, root: Path, key: str) -> None:
    """Words of the workspace, the ledger or the sources are escaped wherever they stand."""
    facts = make_facts()
    counts = facts["plans"][0]["counts"].model_copy(update={"reasons": {EVIL: 3333, "excluded": 1}})
    changes: dict[str, dict[str, Any]] = {
        "title": {"campaign": campaign(title=EVIL)},
        "brand": {"brand": {"name": EVIL, "address": EVIL, "colour": f"red;{EVIL}"}},
        "quarantined": {"quarantined": {EVIL: 1}},
        "occasion": {"plans": [{**facts["plans"][0], "occasion": EVIL, "step": EVIL}]},
        "reason": {"plans": [{**facts["plans"][0], "counts": counts}]},
        "state": {"states": {EVIL: 4}},
    }
    built = build_report(make_facts(**changes[key]), register_report_sections(), root=root)
    assert "<script" not in built.html
    assert "&lt;script&gt;" in built.html


@pytest.mark.parametrize(
    ("brand", "expected"),
    [
        ({"colour": "#2E6F40"}, "background:#2E6F40"),
        ({"colour": "green"}, "background:#0072B2"),
        ({}, "background:#0072B2"),
    ],
)
def test_the_accent_is_the_brands(make_facts: MakeFacts, root: Path, brand: dict[str, str], expected: str) -> None:
    """The brand's colour is used where it is one; a brand without name or address leaves no gap."""
    built = build_report(make_facts(brand=brand), register_report_sections(), root=root)
    assert expected in built.html
    assert "None" not in built.html


def test_a_broken_section_costs_only_itself(
    make_facts: MakeFacts, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """# R53, R55: a failing section is named with its place, the rest is complete, and no person comes out."""
    built = build_report(make_facts(), [Broken, Told, *register_report_sections()], root=root)
    for part in (built.html, built.text):
        assert "The section company_costs could not be written" in part
        assert "It failed with KeyError." in part
        assert "no costs are known; write config/costs.yaml" in part
        assert "The campaign caused 60 buyers" in part
        assert "lan@example.com" not in part
    assert re.search(r"report section company_costs failed: KeyError, .*test_build\.py:\d+", caplog.text)
    assert "lan@example.com" not in caplog.text


def test_a_companys_section(make_facts: MakeFacts, root: Path) -> None:
    """Sections come in the order given; one that says nothing is left out; a loose chart ends its section."""
    built = build_report(make_facts(), [Silent, Own, *register_report_sections()], root=root)
    assert built.html.index("17 more were held out") < built.html.index("The campaign caused")
    assert re.search(r'<p>ours</p>\s*<p [^>]*><img src="cid:own@tidings" alt="17 complaints"', built.html)
    assert built.charts[0].name == "own"


def test_no_sections_at_all(make_facts: MakeFacts, root: Path) -> None:
    """Without sections a report is a head and a foot."""
    built = build_report(make_facts(), [], root=root)
    assert built.charts == ()
    assert "win_back" in built.text


def test_two_charts_of_one_name(make_facts: MakeFacts, root: Path) -> None:
    """Two pictures under one name would show one of them twice."""
    with pytest.raises(TidingsError, match="two report sections draw a chart 'own'"):
        build_report(make_facts(), [Own, Own], root=root)


def test_a_report_of_nothing(make_facts: MakeFacts, root: Path) -> None:
    """Before anything has happened the report is four sentences, without a table or a picture."""
    nothing = measure((0, 0), (0, 0))
    facts = make_facts(measure=nothing, plans=[], states={}, quarantined={})
    built = build_report(facts, register_report_sections(), root=root)
    assert built.charts == ()
    assert "scope=" not in built.html
    assert built.subject == "Bring lapsed milk subscribers home: too early for a result"


def test_without_a_goal_there_is_a_report(make_facts: MakeFacts, root: Path) -> None:
    """Who fell away and what became of the messages is known without one."""
    facts = make_facts(campaign=campaign(goal=None), measure=None)
    built = build_report(facts, register_report_sections(), root=root)
    assert [chart.name for chart in built.charts] == ["waterfall"]
    assert "No result: the campaign has no goal" in built.text
    assert "1,190 of 1,203 messages were accepted" in built.text
    assert "order value" not in built.text.lower()
    assert built.csv["result.csv"].decode("utf-8-sig") == "figure,unit,value,low,high,confidence\r\n"


def test_times_are_the_facts_own(make_facts: MakeFacts, root: Path) -> None:
    """In the zone that the facts name, whether or not the campaign has one of its own."""
    facts = make_facts(campaign=campaign(timezone=None), timezone="America/New_York")
    built = build_report(facts, register_report_sections(), root=root)
    assert "As of November 21, 2026, 21:05 (America/New_York)" in built.text


def test_without_a_chinese_font_the_report_is_complete(
    make_facts: MakeFacts, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its words are Chinese and only its pictures are English; no letter of them is missing."""
    for module in ("canvas", "charts"):
        monkeypatch.setattr(f"tidings.reports.{module}.chinese_font", lambda: None)
    built = build_report(make_facts("zh"), register_report_sections(), root=root)
    english = build_report(make_facts(), register_report_sections(), root=root)
    assert [chart.png for chart in built.charts] == [chart.png for chart in english.charts]
    assert all("人" in chart.alt for chart in built.charts)
    assert "活动带来了" in built.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"templates/reports/campaign\.html\.j2: the template of the report is missing"),
        ("a\n{% if %}", r"campaign\.html\.j2:2: the template of the report fails"),
        ("{{ nobody }}", r"campaign\.html\.j2: the template of the report fails: 'nobody' is undefined"),
        ("{{ ().__class__.__base__ }}", r"the template of the report fails: access to attribute '__class__'"),
    ],
)
def test_a_template_that_is_none(
    make_facts: MakeFacts, root: Path, tmp_path: Path, text: str | None, message: str
) -> None:
    """# R47: a missing, broken or prying template is an error with its place, not half a report."""
    folder = tmp_path / "templates" / "reports"
    shutil.copytree(root / "templates" / "reports", folder)
    if text is None:
        (folder / "campaign.html.j2").unlink()
    else:
        (folder / "campaign.html.j2").write_text(text, encoding="utf-8")
    with pytest.raises(TidingsError, match=message):
        build_report(make_facts(), [], root=tmp_path)
