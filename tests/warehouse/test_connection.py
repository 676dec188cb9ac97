from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.warehouse.workspaces import TYPES, ago, customer, order, product, workspace, write_csv, write_table
from tidings.errors import TidingsError
from tidings.project import Project
from tidings.settings import Warehouse
from tidings.warehouse.connection import open_warehouse
from tidings.warehouse.reading import Unreachable, fetch


def rows(project: Project, name: str) -> list[dict[str, object]]:
    """The conformed rows of a source table."""
    with open_warehouse(project) as warehouse:
        return fetch(warehouse.backend, warehouse.table(name), name).to_pylist()


def test_a_parquet_file_is_a_table(tmp_path: Path) -> None:
    """data/customers.parquet is the table customers."""
    project = workspace(tmp_path, {"customers": [customer("1"), customer("2")]})
    assert [row["customer_id"] for row in rows(project, "customers")] == ["1", "2"]


def test_a_csv_file_is_a_table_and_ids_keep_their_zeros(tmp_path: Path) -> None:
    """0012 is an id, not the number twelve; instants and money are read from text."""
    project = workspace(tmp_path)
    (tmp_path / "data/orders.parquet").unlink()
    write_csv(
        tmp_path / "data", "orders", [order("0012", "007", ago(3), "12.30"), order("0013", "007", ago(2), "1.00")]
    )
    found = rows(project, "orders")
    assert [(row["order_id"], row["customer_id"], row["total"]) for row in found] == [
        ("0012", "007", 1230),
        ("0013", "007", 100),
    ]
    assert found[0]["ordered_at"] == ago(3)


def test_an_attribute_of_a_csv_keeps_the_type_it_shows(tmp_path: Path) -> None:
    """Columns beyond the contract are not forced to text."""
    project = workspace(tmp_path)
    (tmp_path / "data/customers.parquet").unlink()
    write_csv(tmp_path / "data", "customers", [customer("1", points=5), customer("2", points=7)])
    assert [row["points"] for row in rows(project, "customers")] == [5, 7]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_csv_file_may_be_as_spreadsheets_write_it(tmp_path: Path, mark: str) -> None:
    """A byte-order mark, semicolons or tabs, an attribute that turns from numbers to words, and no rows at all."""
    project = workspace(tmp_path)
    (tmp_path / "data/customers.parquet").unlink()
    path = tmp_path / "data/customers.csv"
    header = mark.join(TYPES["customers"]) + f"{mark}tier\n"
    row = mark.join(["{}", "a@c.example", "", "Ana", "", "en", "UTC", "US", "2026-01-01", "{}"]) + "\n"
    path.write_text(header, encoding="utf-8-sig")
    assert rows(project, "customers") == []
    many = "".join(row.format(f"0{n}", n) for n in range(30_000)) + row.format("last", "gold")
    path.write_text(header + many, encoding="utf-8-sig")
    found = rows(project, "customers")
    assert (len(found), found[0]["customer_id"], found[-1]["tier"]) == (30_001, "00", "gold")


def test_a_folder_of_parquet_files_is_one_table(tmp_path: Path) -> None:
    """A source may grow by files, whose columns may stand in another order."""
    project = workspace(tmp_path)
    (tmp_path / "data/orders.parquet").unlink()
    folder = tmp_path / "data/orders"
    write_table(folder, "orders", [order("1", "1", ago(3))])
    (folder / "orders.parquet").rename(folder / "day1.parquet")
    write_table(folder, "orders", [order("2", "1", ago(2))])
    table = pq.read_table(folder / "orders.parquet")
    pq.write_table(table.select(list(reversed(table.column_names))), folder / "day2.parquet")
    (folder / "orders.parquet").unlink()
    assert sorted(str(row["order_id"]) for row in rows(project, "orders")) == ["1", "2"]


def test_a_table_may_go_by_another_name(tmp_path: Path) -> None:
    """warehouse.tables maps our name to theirs."""
    project = workspace(tmp_path, {"products": [product("1")]}, warehouse={"tables": {"products": "articles"}})
    (tmp_path / "data/products.parquet").rename(tmp_path / "data/articles.parquet")
    assert [row["product_id"] for row in rows(project, "products")] == ["1"]


def test_a_table_may_be_a_query_over_files(tmp_path: Path) -> None:
    """A SELECT in the settings renames, casts and joins; the files it names are there under their names."""
    query = (
        "select c.id as customer_id, c.mail as email, null as phone, null as first_name, null as last_name, "
        "'en' as locale, 'UTC' as timezone, r.country, c.since as created_at "
        "from clients c join regions r using (region)"
    )
    project = workspace(tmp_path, warehouse={"tables": {"customers": query}})
    write_csv(
        tmp_path / "data", "clients", [{"id": 1, "mail": "a@corner.example", "since": "2026-01-02", "region": "n"}]
    )
    write_csv(tmp_path / "data", "regions", [{"region": "n", "country": "VN"}])
    found = rows(project, "customers")
    assert [(row["customer_id"], row["country"]) for row in found] == [("1", "VN")]


@pytest.mark.parametrize("text", ["select 1; drop table customers", "select from from", "SELECT 1 into x; select 2"])
def test_a_mapped_query_is_one_select(tmp_path: Path, text: str) -> None:
    """The warehouse is read only: anything but one SELECT is refused before it runs (R50)."""
    project = workspace(tmp_path, warehouse={"tables": {"customers": text}})
    with (
        open_warehouse(project) as warehouse,
        pytest.raises(TidingsError, match=r"warehouse\.tables\.customers is not"),
    ):
        warehouse.table("customers")


def test_a_missing_table_names_the_nearest_one(tmp_path: Path) -> None:
    """The message says what is there."""
    project = workspace(tmp_path)
    (tmp_path / "data/orders.parquet").rename(tmp_path / "data/order.parquet")
    with open_warehouse(project) as warehouse, pytest.raises(TidingsError) as caught:
        warehouse.table("orders")
    assert "no table 'orders'" in caught.value.reason
    assert caught.value.fix == "did you mean 'order'?"


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    """A workspace whose data is not there yet is not a crash."""
    project = workspace(tmp_path, warehouse={"folder": "nowhere"})
    with open_warehouse(project) as warehouse, pytest.raises(TidingsError, match="put the tables there"):
        warehouse.table("customers")


def test_optional_tables_may_be_absent(tmp_path: Path) -> None:
    """Only a table that is there, or that the settings map, is asked for."""
    project = workspace(tmp_path, {"cases": []}, warehouse={"tables": {"consents": "agreements"}})
    with open_warehouse(project) as warehouse:
        assert warehouse.has("cases")
        assert warehouse.has("consents")
        assert not warehouse.has("subscriptions")


def test_a_database_by_url_is_read_only(tmp_path: Path) -> None:
    """A DuckDB file is opened without the right to write; its tables are found by name and schema (R50)."""
    path = tmp_path / "company.ddb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA shop")
        connection.execute(
            "CREATE TABLE shop.products AS SELECT 'p' AS product_id, 'Milk' AS name, 'Milk' AS category, 1.5 AS price,"
            " NULL AS unit_cost, true AS in_stock, NULL AS url, NULL AS image_url"
        )
    tables = {"products": "shop.products"}
    project = workspace(tmp_path / "w", warehouse={"url": f"duckdb://{path}", "tables": tables})
    with open_warehouse(project) as warehouse:
        assert fetch(warehouse.backend, warehouse.table("products"), "products").to_pylist()[0]["price"] == 150
        assert not warehouse.has("cases")
        with pytest.raises(TidingsError, match="no table 'orders'"):
            warehouse.table("orders")
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            warehouse.backend.raw_sql("CREATE TABLE x (a INT)")


def test_a_database_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    """The engine's own words come as one of ours."""
    project = workspace(tmp_path, warehouse={"url": f"duckdb://{tmp_path}/none.ddb"})
    with pytest.raises(TidingsError, match="the warehouse cannot be read"), open_warehouse(project):
        pass


@pytest.mark.parametrize(
    "url", ["", "duckdb", "bogus://shop:hunter2@host/db", "postgresql://shop:hunter2@[::1/db", "http://hunter2"]
)
def test_what_is_no_address_of_a_database_is_a_sentence(tmp_path: Path, url: str) -> None:
    """It does not repeat the address, which may hold a password (R54)."""  # R54
    project = workspace(tmp_path)
    project = replace(project, settings=project.settings.model_copy(update={"warehouse": Warehouse(url=url)}))
    with (
        pytest.raises(TidingsError, match=r"^warehouse\.url is not the address of a database .*; write one") as caught,
        open_warehouse(project),
    ):
        pass
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_what_is_not_there_is_told_from_what_is_wrong(tmp_path: Path) -> None:
    """A folder without tables and a file that is gone are not to be had; one table that is missing is a mistake."""
    for folder in ("nowhere", "config"):
        bare = workspace(tmp_path / "a", warehouse={"folder": folder})
        with open_warehouse(bare) as warehouse, pytest.raises(Unreachable):
            warehouse.table("customers")
    for url in (f"duckdb://{tmp_path}/none.ddb", f"sqlite:///{tmp_path}/none/x.db"):
        with pytest.raises(Unreachable), open_warehouse(workspace(tmp_path / "b", warehouse={"url": url})):
            pass
    project = workspace(tmp_path / "c", warehouse={"tables": {"orders": "ordrs"}})
    with open_warehouse(project) as warehouse, pytest.raises(TidingsError) as caught:
        warehouse.table("orders")
    assert not isinstance(caught.value, Unreachable)


def test_a_csv_file_that_was_rewritten_is_looked_at_again(tmp_path: Path) -> None:
    """Another separator and other types in a file of the same name; the first one once more is known already."""
    project = workspace(tmp_path)
    (tmp_path / "data/customers.parquet").unlink()
    path = tmp_path / "data/customers.csv"
    for mark, points in ((",", 5), (";", "many"), (",", 5)):
        cells = {**dict.fromkeys(TYPES["customers"], ""), "customer_id": "1", "created_at": "2026-01-01"}
        lines = [[*cells, "points"], [*cells.values(), str(points)]]
        path.write_text("".join(mark.join(line) + "\n" for line in lines))
        assert [row["points"] for row in rows(project, "customers")] == [points]
