"""One retailer by four ways (package, CSV, Parquet, database): the same rows, number by number."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import duckdb
import pytest

from integrations.contracts import contracts
from integrations.ingest import ingest
from integrations.pseudonyms import PseudonymTable
from integrations.sources.folder import FolderSource
from integrations.sources.named import source_named
from semantic.sql.quoting import literal

# Whole tables where they are small; the large ones by a few stores, a week, a day.
SLICES = {
    "promotions": "week = 20 AND location_id IN ('367', '406', '356')",
    "inventory_snapshots": "snapshot_date = DATE '2017-06-15'",
    "inventory_movements": "movement_date < DATE '2017-02-01'",
    "sales_lines": "week IN (1, 29, 53)",
}


@pytest.fixture(scope="module")
def slices(demo):
    """The demo's landed rows, cut to size, one table per contract table."""
    con = demo.connect()
    for table in contracts():
        where = SLICES.get(table, "true")
        con.execute(
            f"CREATE TABLE s_{table} AS SELECT * EXCLUDE (batch, batch_sequence) FROM {table} WHERE {where}"
        )
    return con


def assert_same(con: duckdb.DuckDBPyConnection, landing: Path, tables) -> None:
    """Both ways EXCEPT ALL is empty for every table, and there is something to compare."""
    for table in tables:
        files = literal(landing / table / "*" / "*.parquet")
        landed = f"SELECT * EXCLUDE (batch, batch_sequence) FROM read_parquet({files})"
        (n,) = con.execute(f"SELECT count(*) FROM s_{table}").fetchall()[0]
        assert n > 0, table
        for left, right in ((f"FROM s_{table}", landed), (landed, f"FROM s_{table}")):
            assert con.execute(f"SELECT count(*) FROM ({left} EXCEPT ALL {right})").fetchall() == [(0,)], (
                table
            )


def customers_keep_their_names(con: duckdb.DuckDBPyConnection, people: Path) -> None:
    """The demo's pseudonyms are the raw keys here: each stands for itself, so that rows can be compared."""
    table = PseudonymTable.open(people)
    names = con.execute("SELECT customer_id FROM s_customers").fetchall()
    with sqlite3.connect(people / "pseudonyms.db") as file:
        file.executemany("INSERT INTO pseudonyms VALUES (?, ?)", [(table.digest(n), n) for (n,) in names])


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_folder_gives_the_same_rows_as_the_package(slices, tmp_path, form):
    for table in contracts():
        (tmp_path / "in" / table).mkdir(parents=True)
        slices.execute(f"COPY s_{table} TO {literal(f'{tmp_path}/in/{table}/all.{form}')} (FORMAT {form})")
    source = source_named(str(tmp_path / "in"))
    customers_keep_their_names(slices, tmp_path / "people")
    report = ingest(source, tmp_path / "landing", tmp_path / "quarantine")
    assert report.rows_quarantined == 0
    assert_same(slices, tmp_path / "landing", contracts())


def test_a_database_gives_the_same_rows(slices, tmp_path):
    tables = ("suppliers", "locations", "budgets", "campaigns", "sales_lines", "returns")
    file = sqlite3.connect(tmp_path / "shop.db")
    for table in tables:
        rows = slices.execute(f"SELECT COLUMNS(*)::VARCHAR FROM s_{table}").fetchall()
        columns = [d[0] for d in slices.description]
        file.execute(f"CREATE TABLE {table} ({', '.join(f'{c} TEXT' for c in columns)})")
        file.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", rows)
    file.commit()
    url = f"sqlite:///{tmp_path}/shop.db"
    customers_keep_their_names(slices, tmp_path / "people")
    ingest(source_named(url), tmp_path / "landing", tmp_path / "quarantine")
    assert_same(slices, tmp_path / "landing", tables)
    again = ingest(source_named(url), tmp_path / "landing", tmp_path / "quarantine")
    assert again.rows_loaded == 0 and again.tables["sales_lines"].batches_known == 1


def test_the_example_folder_loads_whole(tmp_path):
    example = Path(__file__).parents[3] / "docs" / "examples" / "retailer"
    report = ingest(FolderSource(example), tmp_path / "landing", tmp_path / "quarantine")
    assert report.rows_quarantined == 0
    assert {t for t, r in report.tables.items() if r.rows_loaded} == set(contracts())
    assert not [w for t in report.tables.values() for w in t.warnings]
