"""Products: the source's goods under readable names, with a price, a cost and what is in stock."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tidings.demo.category_names import LEFT_OUT, category_name
from tidings.demo.product_names import product_name
from tidings.demo.source import Calendar
from tidings.demo.tables import PRODUCTS, in_dollars, load_rows

if TYPE_CHECKING:
    import duckdb

MARGINS = {
    "COSMETICS": 0.40, "DELI": 0.42, "DRUG GM": 0.32, "FLORAL": 0.45, "GROCERY": 0.27, "MEAT": 0.25,
    "MEAT-PCKGD": 0.26, "NUTRITION": 0.33, "PASTRY": 0.50, "PRODUCE": 0.38, "SALAD BAR": 0.50,
}  # fmt: skip
OTHER_MARGIN, MARGIN_SPREAD = 0.30, 0.05
PRICE_WEEKS, STOCK_WEEKS = 13, 8

GOODS = """
    CREATE TABLE goods AS
    SELECT p.product_id AS source_id, n.category, n.name,
           'P' || first_value(p.product_id) OVER alike AS product_id,
           first_value(p.department) OVER alike AS department
    FROM products p
    JOIN names n ON n.department = p.department AND n.source_category = p.product_category
        AND n.source_type = coalesce(p.product_type, '') AND n.brand = p.brand
        AND n.size = coalesce(p.package_size, '')
    JOIN (
        SELECT product_id, count(*) AS lines FROM transactions
        WHERE quantity > 0 AND sales_value > 0 GROUP BY product_id
    ) t
        ON t.product_id = p.product_id
    WINDOW alike AS (PARTITION BY n.category, n.name ORDER BY t.lines DESC, p.product_id)
"""

# Cents, so that sums are exact; the unit price is rounded up, so that a discount is never negative.
SOLD = """
    CREATE TABLE sold AS
    SELECT basket_id, product_id, CAST(sum(quantity) AS BIGINT) AS quantity,
           CAST(sum(paid) AS BIGINT) AS paid,
           CAST((sum(gross) + sum(quantity) - 1) // sum(quantity) AS BIGINT) AS unit
    FROM (
        SELECT basket_id, g.product_id, quantity, CAST(round(sales_value * 100) AS BIGINT) AS paid,
               CAST(round((sales_value + retail_disc + coupon_match_disc) * 100) AS BIGINT) AS gross
        FROM transactions t JOIN goods g ON g.source_id = t.product_id
        WHERE quantity > 0 AND sales_value > 0
    )
    GROUP BY basket_id, product_id
"""

SALES = """
    SELECT product_id, any_value(name), any_value(category), any_value(department),
           greatest(1, coalesce(
               quantile_disc(unit, 0.5) FILTER (WHERE bought_at >= $priced_from), quantile_disc(unit, 0.5)
           )) AS price,
           max(bought_at) >= $stocked_from AS in_stock
    FROM sold JOIN visits USING (basket_id)
    JOIN (SELECT DISTINCT product_id, name, category, department FROM goods) USING (product_id)
    GROUP BY product_id ORDER BY product_id
"""


def load_sold(connection: duckdb.DuckDBPyConnection) -> None:
    """Make `goods` (source_id, product_id, category, name, department) and `sold`, the lines of all baskets:
    basket_id, product_id, quantity, and in cents what was paid and the unit price before discounts.

    Left out are the categories in LEFT_OUT, rows without a category and rows nobody paid for (coupon slips,
    gifts). Goods the source's words cannot tell apart are one product, under the id of the most sold of them.
    """
    kinds = connection.execute(
        "SELECT DISTINCT department, product_category, coalesce(product_type, ''), brand,"
        " coalesce(package_size, '') FROM products"
        " WHERE product_category IS NOT NULL AND department IS NOT NULL ORDER BY ALL"
    ).fetchall()
    rows = [
        {
            "department": department,
            "source_category": category,
            "source_type": kind,
            "brand": brand,
            "size": size,
            "category": category_name(category),
            "name": product_name(department, category_name(category), kind, brand, size),
        }
        for department, category, kind, brand, size in kinds
        if category not in LEFT_OUT
    ]
    load_rows(connection, "names", dict.fromkeys(rows[0], "VARCHAR"), rows)
    connection.execute(GOODS)
    connection.execute(SOLD)


def load_products(connection: duckdb.DuckDBPyConnection, rng: random.Random, moved: Calendar) -> None:
    """Make `shop_products`, the products table of tables.py, from `sold` and `visits` (basket_id, bought_at).

    The price is the median price before discounts over the last PRICE_WEEKS of history, or over all of it;
    the cost is made up from a margin by department, give or take MARGIN_SPREAD; in stock is what sold in the
    last STOCK_WEEKS.
    """
    found = connection.execute(
        SALES,
        {
            "priced_from": moved.weeks_before_cut(PRICE_WEEKS),
            "stocked_from": moved.weeks_before_cut(STOCK_WEEKS),
        },
    ).fetchall()
    rows = []
    for product_id, name, category, department, price, in_stock in found:
        margin = MARGINS.get(department, OTHER_MARGIN) + rng.uniform(-MARGIN_SPREAD, MARGIN_SPREAD)
        rows.append(
            {
                "product_id": product_id,
                "name": name,
                "category": category,
                "price": in_dollars(price),
                "unit_cost": in_dollars(round(price * (1 - margin))),
                "in_stock": in_stock,
                "url": f"https://shop.example/p/{product_id}",
                "image_url": None,
            }
        )
    load_rows(connection, "shop_products", PRODUCTS, rows)
