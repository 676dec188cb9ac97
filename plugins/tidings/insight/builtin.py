"""The built-in cost drivers, registered like anyone's."""

from __future__ import annotations

from tidings.hookspecs import hookimpl
from tidings.insight.drivers import Cases, Contacts, Customers, Deliveries, OrderLines, Orders
from tidings.model.seams import CostDriver


@hookimpl
def register_cost_drivers() -> list[type[CostDriver]]:
    """What customers did and what was done for them, counted."""
    return [Orders, OrderLines, Deliveries, Customers, Cases, Contacts]
