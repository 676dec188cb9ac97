from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sqlalchemy import delete, select

from tests.databases import empty_postgres
from tests.warehouse.workspaces import (
    NOW,
    Row,
    ago,
    consent,
    customer,
    line,
    order,
    product,
    workspace,
    write_csv,
    write_table,
)
from tidings.errors import ProjectErrors, TidingsError
from tidings.ledger.consents import granted
from tidings.ledger.database import Ledger
from tidings.ledger.persons import load_profiles
from tidings.ledger.snapshots import current_snapshot, summary
from tidings.ledger.tables import consents, contacts, persons, profiles
from tidings.model.counts import RefreshShape
from tidings.model.seams import Snapshot
from tidings.project import Project, load_project
from tidings.segments.columns import condition_column
from tidings.verbs.refresh import refresh
from tidings.warehouse import identity, scratch

EXCLUDE: Row = {"bought": {"category": "Milk", "within": "3d"}}
CAMPAIGNS: dict[str, Any] = {
    "news": {
        "audience": {"include": "everybody", "exclude": [EXCLUDE, "orders > 100"]},
        "steps": [
            {"id": "only", "send": "email", "template": "news/only", "recommend": {"strategy": "association_rules"}}
        ],
    }
}
SEGMENTS = {"everybody": ["orders >= 0"], "milk": [{"bought": {"category": "Milk", "within": "30d"}}]}


def shop() -> dict[str, list[Row]]:
    """Four profiles of three persons, milk with bread in every basket, tea in one, an order in another currency."""
    placed = [order(f"o{n}", f"{n % 3}", ago(n + 2)) for n in range(12)]
    lines = [line(row["order_id"], name) for row in placed for name in ("milk", "bread")]
    return {
        "customers": [
            customer(None, email="nobody@corner.example"),
            customer("0", email="ana@corner.example", phone="(202) 555-0143", created_at=ago(90)),
            customer("1", email="ANA@corner.example", created_at=ago(50)),
            customer("2", created_at=ago(80)),
            customer("3", email="not an address", created_at=ago(70)),
        ],
        "orders": [*placed, order("eur", "2", ago(1), currency="EUR"), order("later", "3", NOW)],
        "order_lines": [*lines, line("o1", "tea")],
        "products": [product("milk", "Milk"), product("bread", "Bread"), product("tea", "Tea"), product("jam", "Jam")],
        "consents": [consent("1"), consent("2"), consent("2", "withdrawn", ago(5)), consent("gone")],
    }  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The shop's workspace."""
    return workspace(tmp_path, shop(), segments=SEGMENTS, campaigns=CAMPAIGNS)


def keys(start: int = 0) -> Callable[[], str]:
    """Person keys in order."""
    count = itertools.count(start)
    return lambda: f"{next(count):032x}"


def current(project: Project) -> Snapshot:
    """What plans read."""
    with Ledger.open(project) as ledger, ledger.read() as connection:
        return current_snapshot(connection, project.root)


def people(project: Project) -> dict[str, dict[str, Any]]:
    """The current people.parquet by customer."""
    return {row["customer_id"]: row for row in pq.read_table(current(project).people).to_pylist()}


def left(project: Project) -> list[str]:
    """What lies in the folder of snapshots, hidden things too."""
    folder = project.state / "snapshots"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_refresh_publishes_one_snapshot(project: Project) -> None:
    """Files, pointer and shape say the same; contact columns are in no snapshot.

    Who has bought all three categories within two weeks gets no recommendation.
    """
    shape = refresh(project, NOW, new_key=keys())
    assert shape == RefreshShape(
        snapshot=shape.snapshot, as_of=NOW, customers=4, persons=3, segments={"everybody": 3, "milk": 2}, entered={},
        left={}, edited=[], unknown={"everybody": 0, "milk": 0}, recommended=2, value=shape.value,
        quarantined={"customers.customer_id": 1, "orders.currency": 1},
    )  # fmt: skip
    snapshot = current(project)
    assert (snapshot.snapshot_id, snapshot.as_of) == (shape.snapshot, NOW)
    names = {
        "people.parquet",
        "membership.parquet",
        "recommendations.parquet",
        "rules.parquet",
        "summary.json",
        "months.parquet",
        "costing.json",
        "quarantine",
    }
    assert {path.name for path in snapshot.folder.iterdir()} == names
    assert left(project) == sorted([shape.snapshot, "addresses.parquet"])
    kept = json.loads((snapshot.folder / "summary.json").read_text())
    assert RefreshShape.model_validate({name: kept[name] for name in RefreshShape.model_fields}) == shape
    with Ledger.open(project) as ledger, ledger.read() as connection:
        assert summary(connection, shape.snapshot) == kept
    texts = [column for path in snapshot.folder.rglob("*.parquet") for column in pq.read_schema(path).names]
    assert {"email", "phone", "first_name", "last_name"} & set(texts) == set()


def test_every_question_has_its_column(project: Project) -> None:
    """Segments, and the inline conditions of campaigns under the name that planning asks for."""
    refresh(project, NOW, new_key=keys())
    rows = people(project)
    assert {who: (row["in__everybody"], row["in__milk"]) for who, row in rows.items()} == {
        "0": (True, True), "1": (True, True), "2": (True, True), "3": (True, False),
    }  # fmt: skip
    assert {who: row[condition_column(EXCLUDE)] for who, row in rows.items()} == {
        "0": True,
        "1": True,
        "2": False,
        "3": False,
    }
    assert {row[condition_column("orders > 100")] for row in rows.values()} == {False}


def test_the_ledger_learns_persons_contacts_and_consents(project: Project) -> None:
    """One person for two profiles, keys in order of creation, usable addresses once a channel, consents by person."""
    refresh(project, NOW, new_key=keys())
    with Ledger.open(project) as ledger, ledger.read() as connection:
        assert load_profiles(connection) == {who: f"{n:032x}" for who, n in zip("0231", (0, 1, 2, 0), strict=True)}
        numbers = connection.execute(select(persons.c.person_key).order_by(persons.c.number)).scalars().all()
        assert numbers == [f"{n:032x}" for n in range(3)]
        channels = connection.execute(select(contacts.c.channel, contacts.c.person_key)).all()
        assert sorted(map(tuple, channels)) == [("email", f"{0:032x}"), ("email", f"{1:032x}"), ("sms", f"{0:032x}")]
        assert granted(connection, "marketing", NOW) == {(f"{0:032x}", "email")}
    addresses = pd.read_parquet(current(project).addresses).set_index("customer_id")
    assert list(addresses.columns) == [
        "person_key", "first_name", "last_name", "locale", "timezone", "country", "email", "email_key", "email_problem",
        "phone", "phone_key", "phone_problem",
    ]  # fmt: skip
    assert addresses.loc["1", "email"] == "ana@corner.example"
    assert addresses.loc["3", "email_problem"] == "invalid"
    assert addresses.loc["1", "email_key"] == addresses.loc["0", "email_key"]
    assert people(project)["1"]["represents"], "the consenting profile speaks"


def test_refreshing_again_changes_no_person_and_adds_no_consent(project: Project) -> None:
    """A second refresh of the same data is the same but for its name (R65, R25)."""
    refresh(project, NOW, new_key=keys())
    before = people(project)
    with Ledger.open(project) as ledger, ledger.read() as connection:
        known, said = load_profiles(connection), len(connection.execute(select(consents)).all())
    shape = refresh(project, NOW, new_key=keys(900))
    assert people(project) == before
    with Ledger.open(project) as ledger, ledger.read() as connection:
        assert load_profiles(connection) == known
        assert len(connection.execute(select(consents)).all()) == said == 3
    assert len(left(project)) == 3
    assert current(project).snapshot_id == shape.snapshot


def test_profiles_that_turn_out_to_be_one_person_are_merged(project: Project) -> None:
    """The older key stays, in the snapshot and in the ledger; the younger one is kept as merged (R65)."""
    refresh(project, NOW, new_key=keys())
    changed = shop()
    changed["customers"][3]["phone"] = "+1 202 555 0143"
    write_table(project.root / "data", "customers", changed["customers"])
    shape = refresh(project, NOW + timedelta(hours=1), new_key=keys(900))
    assert (shape.persons, shape.merged) == (2, 1)
    assert {row["person_key"] for who, row in people(project).items() if who in "012"} == {f"{0:032x}"}
    with Ledger.open(project) as ledger, ledger.read() as connection:
        merged = connection.execute(select(persons).where(persons.c.merged_into.isnot(None))).mappings().all()
        assert [(row["person_key"], row["merged_into"]) for row in merged] == [(f"{1:032x}", f"{0:032x}")]
        assert set(connection.execute(select(contacts.c.person_key)).scalars()) == {f"{0:032x}"}


def test_an_address_of_too_many_is_reported(tmp_path: Path) -> None:
    """Six at one desk: five may not be written to there, and nobody is anybody else."""
    desk = [customer(f"d{n}", email="Info@corner.example", created_at=ago(9 + n)) for n in range(6)]
    shape = refresh(workspace(tmp_path, shop() | {"customers": desk}, segments=SEGMENTS), NOW, new_key=keys())
    assert (shape.persons, shape.merged, shape.shared) == (6, 0, {"email": 5})


def test_time_moves_only_by_now(project: Project) -> None:
    """An order of today is there tomorrow; recency counts from `now`."""
    refresh(project, NOW, new_key=keys())
    assert people(project)["3"]["orders"] == 0
    refresh(project, NOW + timedelta(days=2), new_key=keys())
    row = people(project)["3"]
    assert (row["orders"], row["recency_days"], row["last_order_at"]) == (1, 2, NOW)


def test_what_is_too_old_is_said_and_kept(tmp_path: Path) -> None:
    """The newest row before `now` counts, broken or undone ones too; a table without rows is too old."""
    tables = shop()
    tables["orders"] = [order("o", "1", ago(2), status="returned"), order("e", "2", ago(1), currency="EUR")]
    limits = {"customers": "50d", "orders": "1d", "cases": "1d", "products": "1d"}
    project = workspace(tmp_path, tables, segments=SEGMENTS, campaigns=CAMPAIGNS, warehouse={"freshness": limits})
    assert refresh(project, NOW, new_key=keys()).stale == {"cases": None}
    shape = refresh(project, NOW + timedelta(seconds=1), new_key=keys())
    assert shape.stale == {"cases": None, "customers": ago(50), "orders": ago(1)}
    kept = json.loads((current(project).folder / "summary.json").read_text())
    assert kept["newest"] == {
        "customers": ago(50).isoformat(), "orders": ago(1).isoformat(), "cases": None, "events": None,
        "consents": ago(5).isoformat(), "subscriptions": None,
    }  # fmt: skip
    assert {name: kept["reads"][name] for name in ("in__everybody", "in__milk", condition_column(EXCLUDE))} == {
        "in__everybody": ["customers", "orders"],
        "in__milk": ["customers", "order_lines", "orders", "products"],
        condition_column(EXCLUDE): ["customers", "order_lines", "orders", "products"],
    }


def _no_orders(root: Path) -> None:
    (root / "data/orders.parquet").unlink()


def _half_a_file(root: Path) -> None:
    path = root / "data/order_lines.parquet"
    path.write_bytes(path.read_bytes()[:200])


def _no_category(root: Path) -> None:
    path = root / "data/products.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["category"]), path)


@pytest.mark.parametrize(
    ("breaks", "reason"),
    [
        (_no_orders, "no table 'orders'"),
        (_half_a_file, "cannot be read"),
        (_no_category, "lacks the column 'category'"),
    ],
)
def test_a_source_that_breaks_leaves_the_last_good_snapshot(
    project: Project, breaks: Callable[[Path], None], reason: str
) -> None:
    """The pointer, the files and the persons stay as they were; nothing half-written is left."""
    good = refresh(project, NOW, new_key=keys())
    before, rows = left(project), people(project)
    addresses = (project.state / "snapshots/addresses.parquet").read_bytes()
    breaks(project.root)
    with pytest.raises(TidingsError, match=reason):
        refresh(project, NOW + timedelta(days=1), new_key=keys(900))
    assert left(project) == before
    assert current(project).snapshot_id == good.snapshot
    assert people(project) == rows
    assert (project.state / "snapshots/addresses.parquet").read_bytes() == addresses


def _customers(project: Project, **more: Any) -> None:
    rows = [{**row, **more} for row in shop()["customers"]]
    write_table(project.root / "data", "customers", rows)


def test_a_change_of_columns_is_said(project: Project) -> None:
    """What nobody reads may come, go and change; the next refresh compares with the last."""
    _customers(project, tier="gold", points=3)
    assert refresh(project, NOW, new_key=keys()).drift == []
    _customers(project, points="three", city="Hanoi")
    shape = refresh(project, NOW, new_key=keys())
    assert shape.drift == [
        "customers.city is new (string)", "customers.points was int64 and is string", "customers.tier is gone (string)",
    ]  # fmt: skip
    write_table(project.root / "data", "cases", [])
    assert refresh(project, NOW, new_key=keys()).drift == ["the table cases is new"]
    assert refresh(project, NOW, new_key=keys()).drift == []


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"points": 3}, "customers.tier is gone (string) since the last refresh, and is read by {news}, {gold}; "),
        ({"tier": 7, "points": 3}, "customers.tier was string and is int64 since the last refresh, and is read by "),
        ({"tier": "gold"}, None),
        ({"tier": "gold", "points": 3.5}, None),
    ],
)
def test_a_column_that_somebody_reads_is_missed_by_name(tmp_path: Path, after: Row, said: str | None) -> None:
    """Column, types, and file, line and column of each reader; the last good snapshot stays until it is back."""
    news = {"audience": {"include": "everybody", "exclude": ["tier = 'silver'"]}}
    segments = SEGMENTS | {"gold": ["tier = 'gold'"], "fans": ["gold"]}
    project = workspace(tmp_path, shop(), segments=segments, campaigns={"news": news})
    _customers(project, tier="gold", points=3)
    good = refresh(project, NOW, new_key=keys())
    before = left(project)
    _customers(project, **after)
    if said is None:
        assert refresh(project, NOW, new_key=keys()).drift != []
        return
    with pytest.raises(ProjectErrors) as caught:
        refresh(project, NOW, new_key=keys())
    places = {"gold": "segments/gold.yaml:4:3", "news": "config/campaigns/news.yaml:10:5"}
    assert str(caught.value).startswith(said.format(**places))
    assert "the last snapshot stays current" in str(caught.value)
    assert (left(project), current(project).snapshot_id) == (before, good.snapshot)
    _customers(project, tier="gold", points=3)
    assert refresh(project, NOW, new_key=keys()).drift == []


def test_a_table_of_cases_that_is_gone_is_missed(tmp_path: Path) -> None:
    """Who asks for open cases would find nobody complaining."""
    tables = shop() | {"cases": []}
    project = workspace(tmp_path, tables, segments=SEGMENTS | {"angry": ["open_cases > 0"]})
    refresh(project, NOW, new_key=keys())
    (tmp_path / "data/cases.parquet").unlink()
    with pytest.raises(
        ProjectErrors, match=r"^the table cases is gone since the last refresh, and is read by segments/ang"
    ):
        refresh(project, NOW, new_key=keys())


def test_a_source_that_disappears_halfway_leaves_the_last_good_snapshot(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gone after the first rows were read and files were written: nothing of the new snapshot stays."""
    good = refresh(project, NOW, new_key=keys())
    before, rows = left(project), people(project)
    real = identity.resolve

    def gone(*args: Any, **more: Any) -> Any:
        for path in (project.root / "data").glob("order*.parquet"):
            path.unlink()
        return real(*args, **more)

    monkeypatch.setattr(identity, "resolve", gone)
    with pytest.raises(TidingsError, match="the warehouse cannot be read"):
        refresh(project, NOW + timedelta(days=1), new_key=keys(900))
    assert (left(project), people(project), current(project).snapshot_id) == (before, rows, good.snapshot)
    with Ledger.open(project) as ledger, ledger.read() as connection:
        assert set(load_profiles(connection).values()) == {f"{n:032x}" for n in range(3)}


def test_a_database_that_ends_the_session_halfway_leaves_the_last_good_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL as the warehouse: an administrator ends our session after the first rows were read."""
    url, project = empty_postgres(), workspace(tmp_path, shop(), segments=SEGMENTS, campaigns=CAMPAIGNS)
    database = ibis.connect(url)
    for path in (tmp_path / "data").glob("*.parquet"):
        database.create_table(path.stem, pq.read_table(path))
    warehouse = project.settings.warehouse.model_copy(update={"url": url})
    project = replace(project, settings=project.settings.model_copy(update={"warehouse": warehouse}))
    good = refresh(project, NOW, new_key=keys())
    before, rows = left(project), people(project)
    real = identity.resolve

    def ended(*args: Any, **more: Any) -> Any:
        asked = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tidings'"
        with closing(database.raw_sql(asked)) as cursor:
            assert cursor.fetchall() == [(True,)]
        return real(*args, **more)

    monkeypatch.setattr(identity, "resolve", ended)
    with pytest.raises(TidingsError, match="the warehouse cannot be read"):
        refresh(project, NOW + timedelta(days=1), new_key=keys(900))
    assert (left(project), people(project), current(project).snapshot_id) == (before, rows, good.snapshot)
    monkeypatch.undo()
    assert refresh(project, NOW + timedelta(days=1), new_key=keys(900)).segments == good.segments
    database.disconnect()


def test_the_folder_of_tables_is_never_written(project: Project) -> None:
    """A refresh from a folder that nobody may write to leaves every byte and every name as it was (R50)."""  # R50
    folder = project.root / "data"
    write_csv(folder, "cases", [{"case_id": "1", "customer_id": "1", "opened_at": ago(3), "closed_at": None}])
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    folder.chmod(0o555)
    try:
        refresh(project, NOW, new_key=keys())
    finally:
        folder.chmod(0o755)
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before


def test_a_refresh_that_was_overtaken_gives_up(project: Project) -> None:
    """Two at once would give one customer two keys: the one that comes second writes nothing."""

    def overtake() -> str:
        refresh(project, NOW, new_key=keys())
        return f"{999:032x}"

    with pytest.raises(TidingsError, match="another refresh finished in the meantime; refresh again"):
        refresh(project, NOW, new_key=overtake)
    with Ledger.open(project) as ledger, ledger.read() as connection:
        assert f"{999:032x}" not in load_profiles(connection).values()


def test_a_wrong_segment_stops_the_refresh_with_its_place(project: Project) -> None:
    """File, line and column, before anything is written."""
    (project.root / "segments/milk.yaml").write_text("segment: milk\ntitle: x\nwhere:\n  - ordrs >= 3\n")
    with pytest.raises(ProjectErrors, match=r"segments/milk.yaml:4:5: there is no column 'ordrs'"):
        refresh(load_project(project.root), NOW, new_key=keys())
    assert left(project) == []


class Recorder:
    """A DuckDB connection that remembers every statement it is given."""

    def __init__(self, connection: Any, statements: list[str]) -> None:
        self._connection = connection
        self._statements = statements

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def cursor(self) -> Recorder:
        return Recorder(self._connection.cursor(), self._statements)

    def execute(self, query: str, *more: Any) -> Any:
        self._statements.append(query)
        return self._connection.execute(query, *more)

    def sql(self, query: str, *more: Any, **named: Any) -> Any:
        self._statements.append(query)
        return self._connection.sql(query, *more, **named)


CANARY = "x'); DROP TABLE persons; COPY (SELECT 1) TO '{}'; --"


def test_text_of_yaml_reaches_no_statement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a segment or a campaign compares with, no statement that DuckDB runs contains it (R50)."""
    text = CANARY.format(tmp_path / "stolen")
    quoted = text.replace("'", "''")
    asked: list[Any] = [
        f"tier = '{quoted}'", f"tier in ('{quoted}', 'x') or tier like '%{quoted}'",
        {"bought": {"category": text, "within": "9d"}}, {"bought": {"product": text, "within": "9d"}},
    ]  # fmt: skip
    tables = shop() | {"customers": [customer("1", tier=text), customer("2", tier="x"), customer("3", tier=None)]}
    project = workspace(
        tmp_path, tables, segments={f"s{n}": [each] for n, each in enumerate(asked)} | {"everybody": ["orders >= 0"]},
        campaigns={"news": {"audience": {"include": "everybody", "exclude": asked}}},
    )  # fmt: skip
    statements: list[str] = []

    real = duckdb.connect
    monkeypatch.setattr(scratch, "_engines", {})
    monkeypatch.setattr(duckdb, "connect", lambda *args, **more: Recorder(real(*args, **more), statements))
    shape = refresh(project, NOW, new_key=keys())
    assert shape.segments["s0"] == 1
    assert shape.segments["s1"] == 2
    assert len(statements) > 10
    assert not any("DROP" in statement or "stolen" in statement for statement in statements)
    assert not (tmp_path / "stolen").exists()


def test_a_shop_without_customers_refreshes(tmp_path: Path) -> None:
    """The day before the opening."""
    project = workspace(tmp_path, segments=SEGMENTS, campaigns=CAMPAIGNS)
    shape = refresh(project, NOW, new_key=keys())
    assert (shape.customers, shape.persons, shape.recommended) == (0, 0, 0)
    assert people(project) == {}


@pytest.mark.parametrize("customers", [1, 7])
def test_one_customer_and_customers_all_alike(tmp_path: Path, customers: int) -> None:
    """Quintiles, gaps and rules of nothing to compare with are no error."""
    tables = {
        "customers": [customer(str(n)) for n in range(customers)],
        "orders": [order(str(n), str(n), ago(5)) for n in range(customers)],
        "order_lines": [line(str(n), "milk") for n in range(customers)],
        "products": [product("milk")],
    }
    shape = refresh(workspace(tmp_path, tables, segments=SEGMENTS, campaigns=CAMPAIGNS), NOW)
    assert shape.segments == {"everybody": customers, "milk": customers}


def test_keys_are_random_unless_the_caller_makes_them(project: Project) -> None:
    """128 bits from the system by default."""
    refresh(project, NOW)
    found = {row["person_key"] for row in people(project).values()}
    assert len(found) == 3
    assert all(len(key) == 32 and int(key, 16) > 1 << 64 for key in found)


def test_the_moment_may_be_in_any_zone(project: Project) -> None:
    """`now` is an instant."""
    local = datetime.fromisoformat("2026-11-01T07:00:00+07:00")
    assert refresh(project, local).as_of == NOW


def test_a_person_whose_profile_was_forgotten_keeps_their_key(project: Project) -> None:
    """A ledger that was put back knows some by their address alone: the refresh finds them by it (R20a)."""
    refresh(project, NOW, new_key=keys())
    with Ledger.open(project) as ledger, ledger.write() as connection:
        before = load_profiles(connection)
        connection.execute(delete(profiles))
        known = set(connection.execute(select(contacts.c.person_key)).scalars())
    refresh(project, NOW + timedelta(days=1), new_key=keys(100))
    with Ledger.open(project) as ledger, ledger.read() as connection:
        after = load_profiles(connection)
    kept = {customer for customer, person in before.items() if person in known}
    assert kept
    assert {customer: before[customer] for customer in kept} == {customer: after[customer] for customer in kept}
