"""A campaign's report from its facts: subject, HTML, text, charts, CSV."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from tidings.errors import TidingsError, Where
from tidings.model.campaign import Campaign
from tidings.model.seams import Chart, ReportSection, SectionContent
from tidings.reports.charts import chart_reader
from tidings.reports.facts import Facts
from tidings.reports.markup import Paragraph, compose, content_id, picture
from tidings.reports.reader import FOLDER, Reader, load_reader
from tidings.reports.result import subject
from tidings.reports.sheets import report_sheets

TEMPLATE = "campaign.html.j2"
ACCENT = "#0072B2"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuiltReport:
    """A report ready to be sent or written: `html` shows the charts by content id, `csv` is name → bytes."""

    subject: str
    html: str
    text: str
    charts: tuple[Chart, ...]
    csv: Mapping[str, bytes]


def build_report(facts: Facts, sections: Iterable[type[ReportSection]], *, root: Path) -> BuiltReport:
    """The report in the reader's language; `sections` come in the order they are given.

    A section that fails is named in its place and the rest is complete. TidingsError where the workspace's
    template or words are missing or broken.
    """
    reader = load_reader(root, facts["locale"], facts["currency"], facts["timezone"])
    pen = chart_reader(reader, load_reader(root, "en", facts["currency"], reader.timezone))
    known: Mapping[str, Any] = {**facts, "reader": reader, "pen": pen}
    contents = [_built(section, known) for section in sections]
    written = [content for content in contents if content is not None]
    title = subject(known)
    return BuiltReport(
        subject=title,
        html=_html(title, written, known, root),
        text=_text(written, known),
        charts=_charts(written),
        csv=report_sheets(known),
    )


def _built(section: type[ReportSection], facts: Mapping[str, Any]) -> SectionContent | None:
    reader: Reader = facts["reader"]
    try:
        return section().build(facts)
    except Exception as error:  # noqa: BLE001 - a company's section must not cost the marketer the report (R55)
        # What an unknown exception says may name a customer; its kind and place do not (R53).
        place = traceback.extract_tb(error.__traceback__)[-1]
        kind = type(error).__name__
        log.error("report section %s failed: %s, %s:%s", section.name, kind, place.filename, place.lineno)  # noqa: TRY400 - a traceback repeats the message
        said = str(error) if isinstance(error, TidingsError) else kind
        body = Paragraph(reader.say("broken_body", error=said))
        return compose(reader.say("broken", name=section.name), [body])


def _charts(contents: Iterable[SectionContent]) -> tuple[Chart, ...]:
    charts = tuple(chart for content in contents for chart in content.charts)
    names = [chart.name for chart in charts]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise TidingsError(f"two report sections draw a chart {twice!r}", "rename one of them")
    return charts


def _html(title: str, contents: Iterable[SectionContent], facts: Mapping[str, Any], root: Path) -> str:
    import jinja2
    from jinja2.sandbox import SandboxedEnvironment

    reader: Reader = facts["reader"]
    campaign: Campaign = facts["campaign"]
    environment = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader(root / FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    try:
        return environment.get_template(TEMPLATE).render(
            language=reader.language,
            subject=title,
            title=campaign.title,
            as_of=reader.say("as_of", when=reader.moment(facts["as_of"])),
            brand=_brand(facts["brand"]),
            words={key: reader.say(key) for key in ("report", "attached")},
            owner=reader.say("owner", campaign=campaign.campaign),
            sections=[(content.title, _fragment(content)) for content in contents],
        )
    except jinja2.TemplateNotFound as error:
        where = Where(str(FOLDER / str(error.name)))
        raise TidingsError("the template of the report is missing", "copy it from a new workspace", where) from error
    except jinja2.TemplateError as error:
        where = Where(str(FOLDER / TEMPLATE), getattr(error, "lineno", None))
        raise TidingsError(f"the template of the report fails: {error}", "mend the template", where) from error


def _fragment(content: SectionContent) -> Markup:
    """The section's HTML; a chart that it does not place itself comes at its end."""
    # A section's HTML is code of the company, and the built-in ones escape what they are given.
    html = Markup(content.html)  # noqa: S704
    loose = [chart for chart in content.charts if f"cid:{content_id(chart)}" not in content.html]
    return Markup("\n").join([html, *(picture(chart) for chart in loose)])


def _brand(brand: Mapping[str, str]) -> dict[str, str]:
    """Name, address and colour; a colour that is not #rrggbb gives way to the built-in one."""
    colour = brand.get("colour") or ""
    safe = colour if re.fullmatch(r"#[0-9A-Fa-f]{6}", colour) else ACCENT
    return {"name": brand.get("name") or "", "address": brand.get("address") or "", "colour": safe}


def _text(contents: Iterable[SectionContent], facts: Mapping[str, Any]) -> str:
    reader: Reader = facts["reader"]
    campaign: Campaign = facts["campaign"]
    brand = _brand(facts["brand"])
    head = f"{campaign.title}\n{reader.say('as_of', when=reader.moment(facts['as_of']))}"
    parts = [f"{content.title}\n{'-' * 40}\n\n{content.text}" for content in contents]
    foot = [
        reader.say("attached"),
        reader.say("owner", campaign=campaign.campaign),
        brand["name"],
        brand["address"],
    ]
    return "\n\n\n".join([head, *parts, "\n".join(line for line in foot if line)]) + "\n"
