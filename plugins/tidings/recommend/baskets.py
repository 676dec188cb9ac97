"""Order lines → baskets, and what each customer bought: what rules are mined from and ranked by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tidings.model.insight import Mining
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
    import pyarrow as pa

    speakers = persons.loc[persons["represents"], ["person_key", "customer_id"]]
    both = persons.merge(speakers, on="person_key", suffixes=("", "_speaker"))
    speaks: dict[str, str] = dict(zip(both["customer_id"], both["customer_id_speaker"], strict=True))

    who, customers = _codes(bought.column("customer_id"), speaks)
    what, kinds = _codes(bought.column("product_id"), items)
    which, products = _codes(bought.column("product_id"), {product: product for product in items})
    # One number for each person, item and product: numbers are sorted and grouped many times as fast as texts.
    pair = who * max(1, len(kinds)) + what
    known = np.flatnonzero((who >= 0) & (what >= 0))
    order = known[np.lexsort((which[known], pair[known]))]
    times = bought.column("times").to_numpy()[order]
    last = bought.column("last").cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()[order]
    pair, which = pair[order], which[order]
    starts = _starts(pair, which)
    times, last = _reduce(np.add, times, starts), _reduce(np.maximum, last, starts)
    pair, which = pair[starts], which[starts]

    starts = _starts(pair)
    often, late = _reduce(np.maximum, times, starts), _reduce(np.maximum, last, starts)
    size = np.diff(np.append(starts, len(pair)))
    favourite = times == np.repeat(often, size)
    latest = _reduce(np.maximum, np.where(favourite, last, np.iinfo(np.int64).min), starts)
    favourite &= last == np.repeat(latest, size)
    # Of those that are level the first, by the products' order.
    first = _reduce(np.minimum, np.where(favourite, np.arange(len(pair)), len(pair)), starts)
    who, what = np.divmod(pair[starts], max(1, len(kinds)))
    since = int(lately.timestamp() * 1_000_000)
    table = pa.table({
        "customer_id": customers.take(pa.array(who)),
        "item": kinds.take(pa.array(what)),
        "product_id": products.take(pa.array(which[first])),
        "times": _reduce(np.add, times, starts),
        "recent": late >= since,
    })  # fmt: skip
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _starts(*columns: np.ndarray) -> np.ndarray:
    """Where runs of equal values begin, in columns that are sorted together."""
    import numpy as np

    changes = [column[1:] != column[:-1] for column in columns]
    return np.flatnonzero(np.append(len(columns[0]) > 0, np.logical_or.reduce(changes)))


def _reduce(what: np.ufunc, values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """One value for each run."""
    return what.reduceat(values, starts) if len(starts) else values[:0]


def _codes(column: Any, meaning: Mapping[str, str]) -> tuple[np.ndarray, pa.Array]:
    """The number of each value's meaning in alphabetical order (-1 where it has none), and the meanings by number."""
    import numpy as np
    import pyarrow as pa

    encoded = column.combine_chunks().dictionary_encode()
    found = [meaning.get(value) for value in encoded.dictionary.to_pylist()]
    names = sorted({name for name in found if name is not None})
    number = {name: index for index, name in enumerate(names)}
    codes = np.array([-1 if name is None else number[name] for name in found], dtype=np.int64)
    return codes[encoded.indices.to_numpy()], pa.array(names, pa.string())


def sales(bought: pa.Table) -> pd.DataFrame:
    """product_id and how often it was `sold`."""
    sums = bought.group_by("product_id").aggregate([("times", "sum")])
    frame: pd.DataFrame = sums.rename_columns({"times_sum": "sold", "product_id": "product_id"}).to_pandas()
    return frame
