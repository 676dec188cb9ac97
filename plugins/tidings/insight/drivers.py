"""What the costs of activities are spread by; tables without rows, or that are not there, have no events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tidings.model.seams import CostDriver

if TYPE_CHECKING:
    import ibis.expr.types as ir


class Orders(CostDriver):
    """Orders that were neither returned nor cancelled."""

    name = "orders"

    def events(self, tables: Mapping[str, ir.Table]) -> ir.Table:
        """One for each order."""
        orders = tables["orders"]
        return orders.select("customer_id", at=orders.ordered_at)


class OrderLines(CostDriver):
    """Lines of orders, whatever their quantity."""

    name = "order_lines"

    def events(self, tables: Mapping[str, ir.Table]) -> ir.Table:
        """One for each line."""
        lines = tables["order_lines"]
        return lines.select("customer_id", at=lines.ordered_at)


class Deliveries(CostDriver):
    """Days on which a customer ordered (UTC): orders of one day go out together."""

    name = "deliveries"

    def events(self, tables: Mapping[str, ir.Table]) -> ir.Table:
        """One for each customer and day."""
        orders = tables["orders"]
        return orders.select("customer_id", at=orders.ordered_at, of=orders.ordered_at.date())


class Customers(CostDriver):
    """Customers who ordered, once a month."""

    name = "customers"

    def events(self, tables: Mapping[str, ir.Table]) -> ir.Table:
        """One for each customer and month."""
        orders = tables["orders"]
        return orders.select("customer_id", at=orders.ordered_at, of=orders.customer_id)


class Cases(CostDriver):
    """Complaints and requests, by the month in which they were opened."""

    name = "cases"

    def events(self, tables: Mapping[str, ir.Table]) -> ir.Table:
        """One for each case; none where the company keeps no table of them."""
        if "cases" not in tables:
            orders = tables["orders"]
            return orders.select("customer_id", at=orders.ordered_at).limit(0)
        cases = tables["cases"]
        return cases.select("customer_id", at=cases.opened_at)


class Contacts(CostDriver):
    """Messages that were sent, on whatever channel."""

    name = "contacts"
    ledger = True

    def events(self, tables: Mapping[str, ir.Table]) -> ir.Table:
        """One for each message."""
        contacts = tables["contacts"]
        return contacts.select("customer_id", "at")
