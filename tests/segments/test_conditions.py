from __future__ import annotations

from datetime import timedelta
from typing import Any

import ibis
import pytest

from tests.warehouse.workspaces import NOW
from tidings.model.seams import Condition
from tidings.segments.conditions import Bought, Clicked, InSegment, Opened, Ordered, Received, moment, since

TABLES = {
    "order_lines": ibis.table(
        {"customer_id": "string", "product_id": "string", "category": "string", "ordered_at": "timestamp('UTC')"},
        name="l",
    ),
    "orders": ibis.table({"customer_id": "string", "ordered_at": "timestamp('UTC')"}, name="o"),
    "touches": ibis.table(
        {"person_key": "string", "campaign": "string", "step": "string", "kind": "string", "at": "timestamp('UTC')"},
        name="t",
    ),
}


def made(kind: type[Condition], **config: Any) -> Condition:
    """The condition as YAML would make it."""
    return kind(kind.Config.model_validate(config))


def test_a_moment_is_a_typed_literal_of_ours() -> None:
    """Business time goes into the statement as an instant in UTC, to the microsecond."""
    at = NOW + timedelta(microseconds=5)
    assert moment(at) == "TIMESTAMPTZ '2026-11-01 00:00:00.000005+00'"
    assert since("x", timedelta(days=1), NOW) == "\"x\" >= TIMESTAMPTZ '2026-10-31 00:00:00.000000+00'"
    assert since("x", None, NOW) == '"x" IS NOT NULL'


@pytest.mark.parametrize("kind", [Bought, Received, Opened, Clicked])
def test_one_aggregate_serves_every_time(kind: type[Condition]) -> None:
    """The last moment does not depend on `within`, so ten segments about milk cost one aggregate."""
    short, long = (made(kind, within=span) for span in ("3d", "300d"))
    assert list(short.aggregates(TABLES, NOW)) == list(long.aggregates(TABLES, NOW))
    assert short.sql(NOW) != long.sql(NOW)


def test_different_questions_have_different_columns() -> None:
    """Category, product, campaign and step make another aggregate."""
    questions = [
        made(Bought, within="3d"), made(Bought, within="3d", category="Milk"),
        made(Bought, within="3d", product="Milk"),
        made(Bought, within="3d", category="Milk", product="Milk"), made(Clicked, within="3d"),
        made(Clicked, within="3d", step="a"), made(Clicked, within="3d", campaign="a"), made(Opened, within="3d"),
        made(Ordered, within="3d", at_least=2), made(Ordered, within="4d", at_least=2),
    ]  # fmt: skip
    names = [name for question in questions for name in question.aggregates(TABLES, NOW)]
    assert len(set(names)) == len(questions)


def test_one_order_needs_no_aggregate() -> None:
    """The base feature last_order_at answers it already."""
    assert made(Ordered, within="3d").aggregates(TABLES, NOW) == {}
    assert made(Ordered, within="3d").sql(NOW).startswith('"last_order_at" >= ')
    assert made(Ordered, at_least=2).sql(NOW) == '"orders" >= 2'


def test_no_text_of_yaml_is_in_the_sql() -> None:
    """Texts are part of the aggregate, where they are bound; the column has a hash for a name (R50)."""
    canary = "x'); DROP TABLE customers; --"
    condition = made(Bought, category=canary, product=canary, within="3d")
    assert "DROP" not in condition.sql(NOW) + "".join(condition.aggregates(TABLES, NOW))


def test_a_segment_is_its_column() -> None:
    """in_segment reads what another segment has answered."""
    assert made(InSegment, segment="loyal").sql(NOW) == '"in__loyal"'


def test_conditions_on_messages_read_the_ledger() -> None:
    """They are grouped by person, the others by customer."""
    assert {kind.name: kind.ledger for kind in (Bought, Ordered, InSegment, Received, Opened, Clicked)} == {
        "bought": False, "ordered": False, "in_segment": False, "received": True, "opened": True, "clicked": True,
    }  # fmt: skip
