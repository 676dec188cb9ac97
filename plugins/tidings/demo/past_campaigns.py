"""The retailer's own campaigns of the year: who was addressed, which coupons there were and who used them.

They were not randomised, so they show no causal effect; they are here as history a warehouse would hold.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tidings.demo.source import Calendar
from tidings.demo.tables import write_parquet

if TYPE_CHECKING:
    import duckdb

DESCRIPTIONS = """
    SELECT campaign_id, campaign_type, CAST(start_date + to_days({days}) AS DATE) AS start_date,
           CAST(end_date + to_days({days}) AS DATE) AS end_date
    FROM campaign_descriptions WHERE start_date + to_days({days}) < TIMESTAMP '{cut}'
"""

ADDRESSED = """
    SELECT c.campaign_id, s.customer_id
    FROM campaigns c JOIN drawn d USING (household_id) JOIN shop_customers s USING (customer_id)
    JOIN ({descriptions}) x USING (campaign_id)
    WHERE CAST(s.created_at AS DATE) <= x.end_date
"""

COUPONS = """
    SELECT DISTINCT CAST(c.coupon_upc AS VARCHAR) AS coupon_upc, g.product_id, c.campaign_id
    FROM coupons c JOIN goods g ON g.source_id = c.product_id
    JOIN ({descriptions}) USING (campaign_id)
"""

REDEMPTIONS = """
    SELECT d.customer_id, CAST(r.coupon_upc AS VARCHAR) AS coupon_upc, r.campaign_id,
           CAST(r.redemption_date + to_days({days}) AS DATE) AS redemption_date
    FROM coupon_redemptions r JOIN drawn d ON d.household_id = r.household_id AND d.copy = 1
    JOIN (
        SELECT customer_id, CAST(min(ordered_at) AS DATE) AS first, CAST(max(ordered_at) AS DATE) AS last
        FROM kept GROUP BY customer_id
    ) k ON k.customer_id = d.customer_id
    WHERE CAST(r.redemption_date + to_days({days}) AS DATE) BETWEEN k.first AND k.last
"""


def write_past_campaigns(connection: duckdb.DuckDBPyConnection, folder: Path, moved: Calendar) -> dict[str, int]:
    """Write the four tables, dates moved like the orders; returns their row counts by name.

    Campaigns that begin after history ends are left out. A campaign addressed every copy of a household that
    was a customer before it ended. Redemptions belong to the first copy, whose weeks are its own, and lie
    between its first and last order. Needs `drawn`, `kept`, `goods` and `shop_customers`.
    """
    days, cut = 7 * moved.weeks, f"{moved.cut:%Y-%m-%d %H:%M:%S}"
    descriptions = DESCRIPTIONS.format(days=days, cut=cut)
    parts = {"days": days, "descriptions": descriptions}
    return {
        name: write_parquet(connection, query, "ALL", folder / f"{name}.parquet")
        for name, query in {
            "campaign_descriptions": descriptions,
            "campaigns_history": ADDRESSED.format(**parts),
            "coupons": COUPONS.format(**parts),
            "coupon_redemptions": REDEMPTIONS.format(**parts),
        }.items()
    }
