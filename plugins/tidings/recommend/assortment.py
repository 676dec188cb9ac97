"""What there is to offer: products that are in stock and leave a margin, and the best seller of each item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any

from tidings.warehouse.reading import fetch

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

SHOWN = ("product_id", "name", "category", "price_minor", "url", "image_url")


@dataclass(frozen=True)
class Assortment:
    """What may be offered, whichever strategy asks: `sellable` products, and no item that the customer has in `recent`.

    `items` is the item of each product.
    """

    sellable: set[str]
    items: Mapping[str, str]
    recent: pd.DataFrame

    def keep(self, ranked: pd.DataFrame) -> pd.DataFrame:
        """The rows that may be offered."""
        import pandas as pd

        wanted = pd.MultiIndex.from_arrays([ranked["customer_id"], ranked["product_id"].map(self.items)])
        bought = pd.MultiIndex.from_frame(self.recent[["customer_id", "item"]])
        return ranked[ranked["product_id"].isin(self.sellable).to_numpy() & ~wanted.isin(bought)]


def load_products(backend: Any, tables: Mapping[str, ir.Table]) -> pd.DataFrame:
    """Every sound product; `price_minor` in minor units, `margin` what a sale leaves over, whether it is `sellable`.

    Where the cost is not known the margin is the shop's median share of the price, or the price where no cost is.
    """
    products = tables["products"].rename(price_minor="price")
    wanted = products.select(*SHOWN, "unit_cost", "in_stock")
    frame: pd.DataFrame = fetch(backend, wanted, "products").to_pandas()
    cost = frame["unit_cost"].astype("float64")
    share = (cost / frame["price_minor"].where(frame["price_minor"] > 0)).median()
    guess = frame["price_minor"] * (0.0 if isnan(share) else share)
    margin = (frame["price_minor"] - cost.fillna(guess)).round().astype("int64")
    in_stock = frame["in_stock"].astype("boolean").fillna(value=True).astype(bool)
    return frame.assign(margin=margin, sellable=in_stock & (margin > 0))


def candidates(sold: pd.DataFrame, products: pd.DataFrame, items: Mapping[str, str]) -> pd.DataFrame:
    """One product to offer for each item: its best seller that is in stock and leaves a margin."""
    offered = products[products["sellable"]].merge(sold, on="product_id")
    offered = offered.assign(item=offered["product_id"].map(items))
    offered = offered.sort_values(["sold", "product_id"], ascending=[False, True]).dropna(subset=["item"])
    return offered.drop_duplicates("item")[["item", "product_id", "category", "margin", "sold"]]
