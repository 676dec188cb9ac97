"""Segments of a large shop, beside queries written by hand: all in one DuckDB query, and one query each.

1,000,000 customers, 10,000,000 orders, 30,000,000 lines, fixed seed. Each side is a process of its own that starts
from Parquet files and ends with the members in Parquet files; the members are compared. The queries of the other side
are in segments.sql, which this file writes (`--sql`), and a test holds the two together.

    python -m benchmarks.segments                  the ratios at 200 and 10 segments, with pandas and polars beside
    python -m benchmarks.segments --growth         our side at an eighth, a quarter, a half and all of the customers

CUSTOMERS=100000 makes it smaller, SEGMENTS=40 asks fewer.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from tests.warehouse.workspaces import NOW, workspace

CUSTOMERS = int(os.environ.get("CUSTOMERS", "1000000"))
SEGMENTS = int(os.environ.get("SEGMENTS", "200"))
SQL = Path(__file__).with_suffix(".sql")
STATUSES = ("active", "at_risk", "lapsed", "lost", "won_back")
MOMENT = f"TIMESTAMPTZ '{NOW:%Y-%m-%d %H:%M:%S}+00'"

# Drawn by hashes, so that any number of threads writes the same rows. Low numbers buy more than high ones.
TABLES = {
    "customers": """
        SELECT format('C{:07d}', i) AS customer_id, NULL::VARCHAR AS email, NULL::VARCHAR AS phone,
            NULL::VARCHAR AS first_name, NULL::VARCHAR AS last_name, 'en' AS locale, 'UTC' AS timezone,
            ['US', 'VN', 'DE', 'FR', 'JP'][(1 + hash(i, 'country') % 5)::INT] AS country,
            $now - to_days(1 + (hash(i, 'since') % 1500)::INT) AS created_at,
            ['gold', 'silver', NULL][(1 + hash(i, 'tier') % 3)::INT] AS tier
        FROM range($customers) AS t(i)""",
    "orders": """
        SELECT format('O{:09d}', i) AS order_id,
            format('C{:07d}', (pow(hash(i, 'who') / pow(2, 64), 2) * $customers)::BIGINT % $customers) AS customer_id,
            $now - to_seconds(1 + (hash(i, 'when') % 94608000)::BIGINT) AS ordered_at,
            (500 + hash(i, 'total') % 6000)::DECIMAL(12, 0) / 100::DECIMAL(3, 0) AS total, 'USD' AS currency,
            CASE WHEN hash(i, 'status') % 33 = 0 THEN 'returned' ELSE 'completed' END AS status, 'web' AS channel
        FROM range(10 * $customers) AS t(i)""",
    "order_lines": """
        SELECT format('O{:09d}', i // 3) AS order_id, format('P{:03d}', hash(i, 'product') % 1000) AS product_id,
            1 AS quantity, 5.00::DECIMAL(12, 2) AS unit_price, 0.00::DECIMAL(12, 2) AS discount
        FROM range(30 * $customers) AS t(i)""",
    "products": """
        SELECT format('P{:03d}', i) AS product_id, format('Product {}', i) AS name,
            format('category {}', i % 20) AS category, 5.00::DECIMAL(12, 2) AS price,
            2.50::DECIMAL(12, 2) AS unit_cost, TRUE AS in_stock, NULL::VARCHAR AS url, NULL::VARCHAR AS image_url
        FROM range(1000) AS t(i)""",
}


@dataclass(frozen=True)
class Asked:
    """A segment as a marketer writes it, and as somebody writes it who knows the tables."""

    where: list[Any]
    sql: str


def ago(days: int) -> str:
    """A moment so many days before NOW, as DuckDB reads it."""
    return f"TIMESTAMPTZ '{NOW - timedelta(days=days):%Y-%m-%d %H:%M:%S}+00'"


def bought(number: int, days: int) -> tuple[dict[str, Any], str]:
    """Bought something of a category within so many days."""
    asked = {"bought": {"category": f"category {number}", "within": f"{days}d"}}
    return asked, f"coalesce(bought_{number} >= {ago(days)}, false)"


def segments() -> Iterator[Asked]:
    """Twelve kinds of segments in ever new sizes, the kinds in turn."""
    standing = [(level, status) for level in ("first_time", "repeat", "loyal") for status in STATUSES]
    for n in range(17):
        often, spent, days, gold = n + 2, 100 * n + 50, 30 + 10 * n, 10 * n
        lately, lately_sql = bought(n, 90 + n)
        ever, ever_sql = bought(n, 365)
        soon, soon_sql = bought((n + 7) % 20, 60)
        yield Asked([f"orders >= {often} and recency_days <= {days}"], f"orders >= {often} AND recency <= {days}")
        yield Asked([f"total_spend >= {spent}"], f"spend >= {spent}00")
        yield Asked([lately], lately_sql)
        yield Asked(["orders >= 1", {"not": ever}], f"orders >= 1 AND NOT {ever_sql}")
        within = 30 + 15 * n
        yield Asked([{"ordered": {"within": f"{within}d", "at_least": 2}}], f"orders_{within} >= 2")
        low, high = 10 + 2 * n, 30 + 3 * n
        yield Asked([f"average_order between {low} and {high}"], f"spend // orders BETWEEN {low}00 AND {high}00")
        yield Asked([f"tier = 'gold' and spend_90d >= {gold}"], f"tier = 'gold' AND spend_90 >= {gold}00")
        yield Asked(
            [f"rfm_money >= 4 and rfm_recency <= 2 and orders >= {n}"],
            f"rfm_money >= 4 AND rfm_recency <= 2 AND orders >= {n}",
        )
        yield Asked([f"tenure_days >= {60 * n} and orders_90d = 0"], f"tenure >= {60 * n} AND orders_90 = 0")
        yield Asked(
            [{"any": ["country = 'VN'", soon]}, f"last_order_at < '{NOW - timedelta(days=days):%Y-%m-%d}'"],
            f"(country = 'VN' OR {soon_sql}) AND last < {ago(days)}",
        )
        level, status = standing[n % len(standing)]
        yield Asked(
            [f"level = '{level}' and status = '{status}' and total_spend >= {n}"],
            f"level = '{level}' AND status = '{status}' AND spend >= {n}00",
        )
        due = NOW.date() + timedelta(days=n)
        yield Asked([{"due": {"before": f"{n}d"}}], f"next_due = DATE '{due}'")


ASKED = [asked for asked, _ in zip(segments(), range(SEGMENTS), strict=False)]

HISTORY = """
), w AS (
    SELECT customer_id, ordered_at, epoch(ordered_at)::BIGINT AS second, row_number() OVER history - 1 AS before,
        lag(epoch(ordered_at)::BIGINT) OVER history AS previous,
        first_value(epoch(ordered_at)::BIGINT) OVER history AS first,
        lag(epoch(ordered_at)::BIGINT, 4) OVER history AS fifth
    FROM sold WINDOW history AS (PARTITION BY customer_id ORDER BY ordered_at, order_id)
), h AS (
    SELECT customer_id, bool_or(second - fifth <= 365 * 86400) AS loyal,
        max(ordered_at) FILTER (second - previous > 3 * CASE
            WHEN before = 1 THEN 30 * 86400 ELSE greatest((previous - first) / (before - 1), 7 * 86400) END) AS back
    FROM w GROUP BY customer_id"""
STANDING = """,
        CASE WHEN orders = 0 THEN 'prospect' WHEN loyal THEN 'loyal' WHEN orders = 1 THEN 'first_time' ELSE 'repeat' END
            AS level,
        CASE WHEN orders = 0 THEN NULL WHEN silence > 6 * rhythm THEN 'lost' WHEN silence > 3 * rhythm THEN 'lapsed'
            WHEN silence > 2 * rhythm THEN 'at_risk' WHEN back >= {won_back} THEN 'won_back' ELSE 'active' END
            AS status"""
RHYTHM = """,
        (epoch({now}) - epoch(last)) / 86400 AS silence,
        CASE WHEN orders = 1 THEN 30 ELSE greatest((epoch(last) - epoch(first_at)) / (orders - 1) / 86400, 7) END
            AS rhythm"""
DAYS = """
), d AS (
    SELECT customer_id, day, day - lag(day) OVER (PARTITION BY customer_id ORDER BY day) AS gap
    FROM (SELECT DISTINCT customer_id, epoch(ordered_at)::BIGINT // 86400 AS day FROM sold)
), g AS (
    SELECT customer_id, max(day) AS last_day, count(gap) AS gaps, median(gap) AS own FROM d GROUP BY customer_id"""
DUE = """,
        DATE '1970-01-01' + (last_day
            + round((gaps * coalesce(own, 0) + 2 * (SELECT median(own) FROM g)) / (gaps + 2)))::INT AS next_due"""


def by_hand(asked: list[Asked], columns: str) -> str:
    """One SELECT over the files in $folder that computes what these segments need and no more."""
    text = " ".join(each.sql for each in asked)
    standing, due, lately = "status" in text, "next_due" in text, "spend_90" in text
    spans = sorted({int(word[7:]) for word in text.split() if word.startswith("orders_") and word[7:].isdigit()})
    numbers = [n for n in range(20) if f"bought_{n} " in text]
    totals = "".join(f", count(*) FILTER (ordered_at >= {ago(days)}) AS orders_{days}" for days in spans)
    totals += f", coalesce(sum(cents) FILTER (ordered_at >= {ago(90)}), 0) AS spend_90" if lately else ""
    totals += ", min(ordered_at) AS first_at" if standing else ""
    lines = "".join(f", max(ordered_at) FILTER (category = 'category {n}') AS bought_{n}" for n in numbers)
    wanted = ", ".join(f"'category {n}'" for n in numbers)
    bought = f"""
), l AS (
    SELECT customer_id{lines}
    FROM '$folder/order_lines.parquet'
    JOIN (SELECT order_id, customer_id, ordered_at FROM sold) USING (order_id)
    JOIN (SELECT product_id, category FROM '$folder/products.parquet' WHERE category IN ({wanted})) USING (product_id)
    GROUP BY customer_id"""
    parts = [("o", "", True), ("l", bought, numbers), ("h", HISTORY, standing), ("g", DAYS, due)]
    joins = " ".join(f"LEFT JOIN {name} USING (customer_id)" for name, _, there in parts if there)
    filled = ["orders", "spend", *(f"orders_{days}" for days in spans), *(["spend_90"] if lately else [])]
    zero = ", ".join(f"coalesce({name}, 0) AS {name}" for name in filled)
    fifths = "".join(
        f""",
        CASE WHEN orders > 0 THEN 1 + (rank() OVER (PARTITION BY orders > 0 ORDER BY {ranked}) - 1) * 5
            // count(*) OVER (PARTITION BY orders > 0) END AS rfm_{name}"""
        for name, ranked in (("money", "spend"), ("recency", "last"))
        if "rfm_" in text
    )
    rhythm = RHYTHM.format(now=MOMENT) if standing else ""
    return f"""WITH sold AS (
    SELECT order_id, customer_id, ordered_at, (total * 100)::BIGINT AS cents
    FROM '$folder/orders.parquet'
    WHERE status NOT IN ('returned', 'cancelled', 'canceled', 'refunded') AND ordered_at < {MOMENT}
), o AS (
    SELECT customer_id, count(*) AS orders, sum(cents)::BIGINT AS spend, max(ordered_at) AS last{totals}
    FROM sold GROUP BY customer_id{"".join(text for _, text, there in parts if there)}
), f AS (
    SELECT * EXCLUDE ({", ".join(filled)}), {zero},
        (epoch({MOMENT})::BIGINT - epoch(last)::BIGINT) // 86400 AS recency,
        (epoch({MOMENT})::BIGINT - epoch(created_at)::BIGINT) // 86400 AS tenure{rhythm}
    FROM '$folder/customers.parquet' {joins}
), a AS (
    SELECT *{fifths}{STANDING.format(won_back=ago(90)) if standing else ""}{DUE if due else ""} FROM f
)
{columns}
"""


def one_query(asked: list[Asked]) -> str:
    """A column of yes and no for each segment."""
    answers = ",\n    ".join(f"coalesce({each.sql}, false) AS s{n}" for n, each in enumerate(asked))
    return by_hand(asked, f"SELECT customer_id,\n    {answers}\nFROM a")


def one_each(asked: list[Asked]) -> list[str]:
    """The members of each segment."""
    return [by_hand([each], f"SELECT customer_id FROM a WHERE {each.sql}") for each in asked]


def committed() -> str:
    """What segments.sql holds: the one query of 200, and the queries of the first ten."""
    asked = list(segments())[:200]
    queries = [f"-- 200 segments in one query\n{one_query(asked)};\n"]
    queries += [f"-- segment {n} alone\n{sql};\n" for n, sql in enumerate(one_each(asked[:10]))]
    return "\n".join(queries)


@contextmanager
def _duckdb() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false; SET TimeZone = 'UTC'")
        yield connection


def _copy(connection: duckdb.DuckDBPyConnection, sql: str, data: Path, target: Path) -> None:
    connection.execute(f"COPY ({sql.replace('$folder', str(data))}) TO '{target}' (FORMAT parquet)")


def side_one_query(root: Path, asked: list[Asked]) -> None:
    """The query that somebody writes who has all day."""
    with _duckdb() as connection:
        _copy(connection, one_query(asked), root / "data", root / "one_query.parquet")


def side_one_each(root: Path, asked: list[Asked]) -> None:
    """What most people do."""
    with _duckdb() as connection:
        for n, sql in enumerate(one_each(asked)):
            _copy(connection, sql, root / "data", root / f"each_{n}.parquet")


def side_ours(root: Path, asked: list[Asked]) -> None:
    """Both stages of a refresh, with every feature; each customer is a person."""
    import pandas as pd

    from tidings.segments.features import all_columns
    from tidings.segments.questions import compile_questions
    from tidings.segments.stage2 import save_people
    from tidings.warehouse.connection import open_warehouse
    from tidings.warehouse.features import save_features
    from tidings.warehouse.tables import open_tables

    where = {f"s{n}": each.where for n, each in enumerate(asked)}
    project = workspace(root / "workspace", segments=where, warehouse={"folder": str(root / "data")})
    with open_warehouse(project) as warehouse:
        tables = open_tables(warehouse, NOW, root / "quarantine")
        questions = compile_questions(project, NOW, all_columns(tables["customers"]), tables)
        save_features(warehouse, tables, questions.conditions, NOW, root / "features.parquet")
    persons = pd.read_parquet(root / "features.parquet", columns=["customer_id"])
    persons = persons.assign(person_key=persons["customer_id"], represents=True)
    touches = pd.DataFrame({name: pd.Series(dtype="str") for name in ("person_key", "campaign", "step", "kind")})
    touches = touches.assign(at=pd.Series(dtype="datetime64[us, UTC]"))
    save_people(root / "features.parquet", persons, touches, questions, NOW, root / "people.parquet")


def side_pandas(root: Path, _asked: list[Asked]) -> None:
    """The first ten, by hand."""
    import pandas as pd

    data = root / "data"
    now, day = pd.Timestamp(NOW), pd.Timedelta(days=1)
    orders = pd.read_parquet(
        data / "orders.parquet", columns=["order_id", "customer_id", "ordered_at", "total", "status"]
    )
    orders = orders[orders["status"].ne("returned") & (orders["ordered_at"] < now)]
    orders["cents"] = (orders["total"].astype("float64") * 100).round().astype("int64")
    products = pd.read_parquet(data / "products.parquet", columns=["product_id", "category"])
    products = products[products["category"].isin(["category 0", "category 7"])]
    lines = pd.read_parquet(data / "order_lines.parquet", columns=["order_id", "product_id"])
    lines = lines.merge(products, on="product_id").merge(
        orders[["order_id", "customer_id", "ordered_at"]], on="order_id"
    )
    bought = lines.groupby(["customer_id", "category"])["ordered_at"].max().unstack()
    f = pd.read_parquet(data / "customers.parquet", columns=["customer_id", "country", "created_at", "tier"])
    f = f.set_index("customer_id")
    by = orders.groupby("customer_id")
    f = f.join(by.agg(orders=("order_id", "size"), spend=("cents", "sum"), last=("ordered_at", "max"))).join(bought)
    for days in (30, 90):
        late = orders[orders["ordered_at"] >= now - days * day].groupby("customer_id")["cents"]
        f = f.join(late.agg(["size", "sum"]).rename(columns={"size": f"orders_{days}", "sum": f"spend_{days}"}))
    counted = ["orders", "spend", "orders_30", "orders_90", "spend_90"]
    f[counted] = f[counted].fillna(0).astype("int64")
    there = f["orders"] > 0
    for name, column in (("money", "spend"), ("recency", "last")):
        f[f"rfm_{name}"] = 1 + (f.loc[there, column].rank(method="min") - 1) * 5 // there.sum()
    recency, tenure = (now - f["last"]).dt.days, (now - f["created_at"]).dt.days
    average = f["spend"] // f["orders"].where(there)
    answers = [
        (f["orders"] >= 2) & (recency <= 30),
        f["spend"] >= 5000,
        f["category 0"] >= now - 90 * day,
        there & ~(f["category 0"] >= now - 365 * day),
        f["orders_30"] >= 2,
        average.between(1000, 3000),
        (f["tier"] == "gold") & (f["spend_90"] >= 0),
        (f["rfm_money"] >= 4) & (f["rfm_recency"] <= 2),
        (tenure >= 0) & (f["orders_90"] == 0),
        ((f["country"] == "VN") | (f["category 7"] >= now - 60 * day)) & (f["last"] < now - 30 * day),
    ]
    for n, answer in enumerate(answers):
        f.index[answer].to_frame(index=False).to_parquet(root / f"pandas_{n}.parquet")


def side_polars(root: Path, _asked: list[Asked]) -> None:
    """The first ten, by hand."""
    import polars as pl

    def back(days: int) -> pl.Expr:
        return pl.lit(NOW - timedelta(days=days))

    def fifth(column: str) -> pl.Expr:
        ranked = pl.when(pl.col("orders") > 0).then(pl.col(column)).rank("min")
        return 1 + (ranked - 1) * 5 // (pl.col("orders") > 0).sum()

    scan = {name: pl.scan_parquet(root / "data" / f"{name}.parquet") for name in TABLES}
    orders = scan["orders"].filter((pl.col("status") != "returned") & (pl.col("ordered_at") < back(0)))
    orders = orders.select("order_id", "customer_id", "ordered_at", cents=(pl.col("total") * 100).cast(pl.Int64))
    at, cents = pl.col("ordered_at"), pl.col("cents")
    totals = orders.group_by("customer_id").agg(
        orders=pl.len(), spend=cents.sum(), last=at.max(), spend_90=cents.filter(at >= back(90)).sum(),
        **{f"orders_{days}": (at >= back(days)).sum() for days in (30, 90)},
    )  # fmt: skip
    products = scan["products"].filter(pl.col("category").is_in(["category 0", "category 7"]))
    lines = scan["order_lines"].join(products.select("product_id", "category"), on="product_id")
    lines = lines.join(orders.select("order_id", "customer_id", "ordered_at"), on="order_id")
    bought = lines.group_by("customer_id").agg(
        **{f"bought_{n}": at.filter(pl.col("category") == f"category {n}").max() for n in (0, 7)}
    )
    f = scan["customers"].join(totals, on="customer_id", how="left").join(bought, on="customer_id", how="left")
    f = f.with_columns(pl.col("orders", "spend", "spend_90", "orders_30", "orders_90").fill_null(0))
    f = f.with_columns(
        rfm_money=fifth("spend"),
        rfm_recency=fifth("last"),
        recency=(back(0) - pl.col("last")).dt.total_seconds() // 86400,
        tenure=(back(0) - pl.col("created_at")).dt.total_seconds() // 86400,
    )
    orders_, spend, last = pl.col("orders"), pl.col("spend"), pl.col("last")
    answers = [
        (orders_ >= 2) & (pl.col("recency") <= 30),
        spend >= 5000,
        pl.col("bought_0") >= back(90),
        (orders_ >= 1) & ~(pl.col("bought_0") >= back(365)).fill_null(False),
        pl.col("orders_30") >= 2,
        (spend // pl.when(orders_ > 0).then(orders_)).is_between(1000, 3000),
        (pl.col("tier") == "gold") & (pl.col("spend_90") >= 0),
        (pl.col("rfm_money") >= 4) & (pl.col("rfm_recency") <= 2),
        (pl.col("tenure") >= 0) & (pl.col("orders_90") == 0),
        ((pl.col("country") == "VN") | (pl.col("bought_7") >= back(60))) & (last < back(30)),
    ]
    found = f.select("customer_id", *(each.fill_null(False).alias(f"s{n}") for n, each in enumerate(answers)))
    frame = found.collect(engine="streaming")
    for n in range(len(answers)):
        frame.filter(pl.col(f"s{n}")).select("customer_id").write_parquet(root / f"polars_{n}.parquet")


SIDES: dict[str, Callable[[Path, list[Asked]], None]] = {
    "ours": side_ours,
    "one query": side_one_query,
    "one each": side_one_each,
    "pandas": side_pandas,
    "polars": side_polars,
}


def run(side: str, root: Path, number: int) -> dict[str, float]:
    """Wall seconds and peak memory (GiB) of a side in a process of its own, the start of Python left out."""
    command = [sys.executable, "-m", "benchmarks.segments", "--side", side, str(root), str(number)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def members(root: Path, side: str, number: int) -> list[tuple[int, int]]:
    """How many are in each segment, and the sum of their hashes."""
    place = {"ours": "people", "one query": "one_query"}.get(side)
    with _duckdb() as connection:
        if place is None:
            stem = "each" if side == "one each" else side
            queries = [f"FROM '{root}/{stem}_{n}.parquet'" for n in range(number)]
        else:
            mark = "in__s" if side == "ours" else "s"
            queries = [f"FROM '{root}/{place}.parquet' WHERE \"{mark}{n}\"" for n in range(number)]
        told = "SELECT count(*), coalesce(sum(hash(customer_id)), 0)::HUGEINT"
        return [connection.execute(f"{told} {query}").fetchall()[0] for query in queries]


def lay(root: Path, customers: int) -> None:
    """The shop's tables."""
    (root / "data").mkdir(parents=True, exist_ok=True)
    with _duckdb() as connection:
        for name, select in TABLES.items():
            used = {key: value for key, value in (("customers", customers), ("now", NOW)) if f"${key}" in select}
            connection.execute(f"COPY ({select}) TO '{root}/data/{name}.parquet' (FORMAT parquet)", used)


def compare(root: Path, number: int, sides: list[str]) -> None:
    """Twice each in turn; the better of the two counts. Whoever finds other members than the one query is named."""
    seen: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    for _ in range(2):
        for side in sides:
            seen[side].append(run(side, root, number))
    right = members(root, "one query", number)
    best = {side: min(each["seconds"] for each in told) for side, told in seen.items()}
    for side, told in seen.items():
        memory = max(each["gibibytes"] for each in told)
        wrong = sum(a != b for a, b in zip(members(root, side, number), right, strict=True))
        print(
            f"{number:>4} segments  {side:<10} {best[side]:>7.2f} s  {memory:>5.2f} GiB  ours is "
            f"{best['ours'] / best[side]:.2f} × of it{f'; {wrong} SEGMENTS DIFFER' if wrong else ''}"
        )


def main() -> None:
    """What the arguments ask for."""
    if sys.argv[1:2] == ["--side"]:
        side, place, number = sys.argv[2:5]
        start = time.perf_counter()
        SIDES[side](Path(place), ASKED[: int(number)])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(json.dumps({"seconds": time.perf_counter() - start, "gibibytes": peak}))
        return
    if sys.argv[1:] == ["--sql"]:
        SQL.write_text(committed(), encoding="utf-8")
        return
    with tempfile.TemporaryDirectory() as folder:
        if sys.argv[1:] == ["--growth"]:
            for part in (8, 4, 2, 1):
                root = Path(folder) / str(part)
                lay(root, CUSTOMERS // part)
                told = run("ours", root, len(ASKED))
                print(f"{CUSTOMERS // part:>9,} customers  {told['seconds']:>7.2f} s  {told['gibibytes']:>5.2f} GiB")
            return
        root = Path(folder)
        lay(root, CUSTOMERS)
        compare(root, len(ASKED), ["ours", "one query", "one each"])
        compare(root, 10, ["ours", "one query", "one each", "pandas", "polars"])


if __name__ == "__main__":
    main()
