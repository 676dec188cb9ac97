"""portfolio: who is in which cell, what they are worth, and which cells no campaign serves."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from tidings.errors import TidingsError
from tidings.ledger.database import Ledger
from tidings.ledger.snapshots import current_snapshot
from tidings.model.campaign import Campaign
from tidings.model.money import exponent
from tidings.model.portfolio import PortfolioShape
from tidings.project import Project
from tidings.project.portfolio import PORTFOLIO
from tidings.segments.columns import condition_column, quoted
from tidings.verbs.profit import costing


def portfolio(project: Project, *, picture: Path | None = None) -> PortfolioShape:
    """By the current snapshot; with `picture`, bands × states as a PNG or SVG file there.

    TidingsError before the first refresh, and without a config/portfolio.yaml.
    """
    import pyarrow.parquet as pq

    from tidings.insight.cells import shaped
    from tidings.insight.costing import CONTACTS
    from tidings.insight.portfolio import in_cells
    from tidings.reports.grid import draw_portfolio
    from tidings.reports.pictures import save_picture

    if project.portfolio is None:
        raise TidingsError(f"there is no {PORTFOLIO}", "write one, such as that of docs/portfolio.md")
    with Ledger.open(project, create=False) as ledger, ledger.read() as connection:
        snapshot = current_snapshot(connection, project.root)
    pools = costing(snapshot)["pools"]
    known = set(pq.read_schema(snapshot.people).names)
    asked = {name: _audience(each) for name, each in project.campaigns.items() if each.status == "live"}
    answered = {name: _sql(columns) for name, columns in asked.items() if known.issuperset(columns)}
    spend_known = any(pool["driver"] == CONTACTS and pool["volume"] for pool in pools)
    rows = in_cells(snapshot, project.portfolio, answered, spend_known)
    budgets = {cell.cell: _minor(cell.budget, project) for cell in project.portfolio.cells if cell.budget is not None}
    aims = {name: project.campaigns[name].aim for name in answered}
    found = shaped(snapshot, project.portfolio, rows, budgets, aims, sorted(asked.keys() - answered.keys()))
    if picture is not None:
        save_picture(picture, lambda sheet: draw_portfolio(sheet, found))
    return found


def _audience(campaign: Campaign) -> list[str]:
    return [condition_column(each) for each in (campaign.audience.include, *campaign.audience.exclude)]


def _sql(columns: list[str]) -> str:
    include, *exclude = (quoted(column) for column in columns)
    return " AND ".join([include, *(f"NOT {column}" for column in exclude)])


def _minor(amount: str, project: Project) -> int:
    return int(Decimal(amount.partition(" ")[0]) * 10 ** exponent(project.settings.base_currency))
