"""The sections every report has; they come in through the same hook as a plugin's."""

from __future__ import annotations

from tidings.hookspecs import hookimpl
from tidings.model.seams import ReportSection


@hookimpl
def register_report_sections() -> list[type[ReportSection]]:
    """Result, waterfall, messages, what is left out."""
    from tidings.reports.result import ResultSection
    from tidings.reports.sections import LeftOutSection, MessagesSection, WaterfallSection

    return [ResultSection, WaterfallSection, MessagesSection, LeftOutSection]
