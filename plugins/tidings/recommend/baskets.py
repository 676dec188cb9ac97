"""Order lines → baskets, and what each customer bought: what rules are mined from and ranked by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tidings.settings import Mining
from tidings.warehouse.reading import fetch

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Baskets:
    """`matrix` has a row a basket and a column an item, True where the basket holds it (presence, not quantity)."""

    matrix: csr_matrix
    items: list[str]


def sold_lines(tables: Mapping[str, ir.Table], mining: Mining, now: datetime) -> ir.Table:
    """The lines of the mining window with their `item`: the category or the product's id, by `mining.level`.

    What was given away, and products without a category at category level, are left out.
    """
    import ibis

    lines = tables["order_lines"]
    lines = lines.mutate(item=lines.category if mining.level == "category" else lines.product_id)
    opens = ibis.literal(now - mining.window, type="timestamp('UTC', 6)")
    return lines.filter(lines.ordered_at >= opens, lines.quantity > 0, lines.unit_price > 0, lines.item.notnull())


def load_baskets(backend: Any, lines: ir.Table) -> Baskets:
    """One basket an order."""
    pairs = fetch(backend, lines.select("order_id", "item").distinct(), "order lines")
    return to_baskets(pairs.column("order_id"), pairs.column("item"))


def to_baskets(basket: Any, item: Any) -> Baskets:
    """Baskets from two Arrow columns of equal length; items come in alphabetical order, baskets in any."""
    import numpy as np
    from scipy.sparse import csr_matrix

    rows, columns = (column.combine_chunks().dictionary_encode() for column in (basket, item))
    names = columns.dictionary.to_pylist()
    order = np.argsort(np.array(names, dtype=object)) if names else np.empty(0, dtype=int)
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(names))
    row, column = rows.indices.to_numpy(), columns.indices.to_numpy()
    shape = (len(rows.dictionary), len(names))
    matrix = csr_matrix((np.ones(len(row), dtype=bool), (row, place[column])), shape=shape)
    return Baskets(matrix, [names[index] for index in order])


def load_bought(backend: Any, lines: ir.Table) -> pa.Table:
    """How often (`times`) and when last (`last`) each customer_id bought each product_id."""
    each = lines.group_by("customer_id", "product_id")
    return fetch(backend, each.aggregate(times=lines.count(), last=lines.ordered_at.max()), "purchases")


def purchases(bought: pa.Table, items: Mapping[str, str], persons: pd.DataFrame, lately: datetime) -> pd.DataFrame:
    """What each person bought, under the customer_id of the profile that represents them.

    `items` is the item of each product_id. Columns customer_id, item, product_id (the one bought most often of that
    item), times, and recent (bought since `lately`, so not to be offered yet); one row a customer and item, in order.
    """
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    speakers = persons.loc[persons["represents"], ["person_key", "customer_id"]]
    both = persons.merge(speakers, on="person_key", suffixes=("", "_speaker"))
    speaks: dict[str, str] = dict(zip(both["customer_id"], both["customer_id_speaker"], strict=True))

    # Numbers are grouped three times as fast as texts.
    who, customers = _codes(bought.column("customer_id"), speaks)
    what, kinds = _codes(bought.column("product_id"), items)
    which, products = _codes(bought.column("product_id"), {product: product for product in items})
    coded = {"who": who, "what": what, "which": which, "times": bought.column("times"), "last": bought.column("last")}
    rows = _query(
        """
        WITH together AS (
            SELECT who, what, which, sum(times)::BIGINT AS times, max(last) AS last
            FROM coded WHERE who >= 0 AND what >= 0 GROUP BY ALL
        )
        SELECT who, what, first(which ORDER BY times DESC, last DESC, which) AS which,
               sum(times)::BIGINT AS times, max(last) >= $lately AS recent
        FROM together GROUP BY who, what ORDER BY who, what
        """,
        {"coded": pa.table(coded)},
        {"lately": lately},
    )
    texts = {"customer_id": customers[rows["who"]], "item": kinds[rows["what"]], "product_id": products[rows["which"]]}
    named = pd.DataFrame({name: np.asarray(values, dtype=object) for name, values in texts.items()}).astype("str")
    return named.assign(times=rows["times"], recent=rows["recent"].astype(bool))


def _codes(column: Any, meaning: Mapping[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """The number of each value's meaning in alphabetical order (-1 where it has none), and the meanings by number."""
    import numpy as np

    encoded = column.combine_chunks().dictionary_encode()
    found = [meaning.get(value) for value in encoded.dictionary.to_pylist()]
    names = sorted({name for name in found if name is not None})
    number = {name: index for index, name in enumerate(names)}
    codes = np.array([-1 if name is None else number[name] for name in found], dtype=np.int64)
    return codes[encoded.indices.to_numpy()], np.array(names, dtype=object)


def sales(bought: pa.Table) -> pd.DataFrame:
    """product_id and how often it was `sold`."""
    return _query("SELECT product_id, sum(times)::BIGINT AS sold FROM bought GROUP BY 1", {"bought": bought}, {})


def _query(sql: str, frames: Mapping[str, Any], parameters: Mapping[str, Any]) -> pd.DataFrame:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false; SET TimeZone = 'UTC'")
        for name, each in frames.items():
            connection.register(name, each)
        frame: pd.DataFrame = connection.execute(sql, dict(parameters)).to_arrow_table().to_pandas()
    return frame
