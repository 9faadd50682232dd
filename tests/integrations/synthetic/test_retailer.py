"""The synthetic retailer keeps the contracts and its own ledger, and repeats."""

from __future__ import annotations

import duckdb
import pytest

from integrations.contracts import contracts
from integrations.ingest import ingest
from integrations.sources.folder import FolderSource
from integrations.synthetic import Size, write_retailer
from semantic.sql.quoting import literal

SIZE = Size(stores=8, products=300, weeks=12, sales_lines=40_000, customers=500, ledger_products=20, seed=3)


@pytest.fixture(scope="module")
def landed(tmp_path_factory):
    """A small synthetic retailer, landed."""
    root = tmp_path_factory.mktemp("synthetic")
    write_retailer(root / "in", SIZE)
    report = ingest(FolderSource(root / "in"), root / "landing", root / "quarantine")
    con = duckdb.connect()
    for table in contracts():
        con.execute(
            f"CREATE VIEW {table} AS FROM read_parquet({literal(f'{root}/landing/{table}/*/*.parquet')})"
        )
    return report, con, root


def test_it_keeps_every_contract(landed):
    report, _, _ = landed
    assert report.rows_quarantined == 0
    assert report.tables["sales_lines"].rows_loaded == 40_000
    assert not [w for t in report.tables.values() for w in t.warnings]
    assert all(report.tables[t].rows_loaded for t in contracts())


def test_its_stock_is_conserved_and_its_sales_are_the_recorded(landed):
    _, con, _ = landed
    broken = con.execute("""
        WITH moved AS (
            SELECT s.snapshot_date, s.location_id, s.product_id, s.on_hand_units,
                   sum(coalesce(m.units, 0)) OVER (PARTITION BY s.location_id, s.product_id
                                                   ORDER BY s.snapshot_date) AS closing
            FROM inventory_snapshots s LEFT JOIN (
                SELECT movement_date, location_id, product_id, sum(quantity_units) AS units
                FROM inventory_movements GROUP BY ALL) m
                ON m.movement_date = s.snapshot_date AND m.location_id = s.location_id
                    AND m.product_id = s.product_id)
        SELECT count(*) FROM moved WHERE closing <> on_hand_units OR on_hand_units < 0""").fetchall()
    assert broken == [(0,)]
    sold, recorded = con.execute("""
        SELECT (SELECT sum(sales_units) FROM inventory_snapshots),
               (SELECT sum(quantity) FROM sales_lines
                SEMI JOIN inventory_snapshots USING (location_id, product_id))""").fetchall()[0]
    assert sold == recorded > 0


def test_its_lots_are_its_stock(landed):
    _, con, _ = landed
    days, agreeing = con.execute("""
        WITH ranged AS (
            SELECT *, lead(counted_on) OVER (PARTITION BY lot_id ORDER BY counted_on) AS next_on
            FROM inventory_lots)
        SELECT count(*), count(*) FILTER (on_hand_units = units) FROM (
            SELECT s.snapshot_date, s.location_id, s.product_id, s.on_hand_units,
                   coalesce(sum(r.on_hand_units), 0) AS units
            FROM inventory_snapshots s LEFT JOIN ranged r
                ON r.location_id = s.location_id AND r.product_id = s.product_id
                AND s.snapshot_date >= r.counted_on
                AND s.snapshot_date < coalesce(r.next_on, DATE '9999-12-31')
            GROUP BY ALL)""").fetchall()[0]
    assert days == agreeing == 8 * 20 * 84


def test_its_money_agrees(landed):
    _, con, _ = landed
    totals = con.execute("""
        SELECT (SELECT sum(ordered_units * unit_cost) FROM purchase_order_lines),
               (SELECT sum(received_units * unit_cost) FROM receipts),
               (SELECT sum(amount) FROM invoices)""").fetchall()[0]
    assert totals[0] == totals[1] == totals[2] > 0


def test_same_size_same_rows(landed, tmp_path):
    _, _, root = landed
    write_retailer(tmp_path / "in", SIZE)
    for table in ("sales_lines", "products", "inventory_snapshots"):
        first, second = (r / table / "all.parquet" for r in (root / "in", tmp_path / "in"))
        select = "SELECT count(*), sum(hash(t)) FROM read_parquet('{}') t"
        assert duckdb.sql(select.format(first)).fetchall() == duckdb.sql(select.format(second)).fetchall()
