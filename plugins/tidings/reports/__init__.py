"""Reports: a campaign's facts, through sections and charts, to an e-mail and to files.

`build_report` makes it, `outgoing_report` puts it into a message, `write_report` into a folder.
"""

from tidings.reports.build import BuiltReport, build_report
from tidings.reports.facts import Facts, PlanFact
from tidings.reports.letter import outgoing_report, write_report

__all__ = ["BuiltReport", "Facts", "PlanFact", "build_report", "outgoing_report", "write_report"]
