"""Columns that a contract renamed: old files are read with a note, landed batches get the present names."""

from __future__ import annotations

import duckdb
import pyarrow.parquet as pq
import pytest

from integrations.contracts import contract, contracts
from integrations.errors import HeaderError
from integrations.ingest import check_landing, landed_batches
from integrations.ingest.former_names import has_former_names, present_names
from semantic.sql.quoting import literal

HEADER = "transfer_id,product_id,from_location_id,to_location_id,shipped_on,received_on,quantity_units,"
ROWS = "T1,P1,L1,L2,2026-01-02,2026-01-03,4,2.50\nT2,P1,L1,L2,2026-01-03,2026-01-05,1,0.75\n"


def amounts(shop):
    return shop.rows("transfers", "transfer_cost")


def test_a_file_with_former_names_is_read_and_says_so(shop):
    shop.put("transfers.csv", f"{HEADER}transfer_cost_usd\n{ROWS}")
    report = shop.run().tables["transfers"]
    assert [float(row[0]) for row in amounts(shop)] == [0.75, 2.5]
    assert any("transfer_cost_usd is now transfer_cost" in warning for warning in report.warnings)


def test_parquet_with_former_names_is_read(shop):
    path = shop.put("products/p.parquet", b"")
    duckdb.sql(
        "SELECT 'P1' AS product_id, 'D' AS department, 'C' AS category, 'B' AS brand, 6 AS case_pack_units, "
        "1.25 AS landed_cost_usd, 2.0 AS list_price"
    ).write_parquet(str(path))
    report = shop.run().tables["products"]
    assert [tuple(map(float, row)) for row in shop.rows("products", "landed_cost, list_price")] == [
        (1.25, 2.0)
    ]
    assert any("landed_cost_usd is now landed_cost" in warning for warning in report.warnings)


def test_the_present_name_counts_where_both_are_there(shop):
    rows = ROWS.replace("\n", ",99\n")
    shop.put("transfers.csv", f"{HEADER}transfer_cost,transfer_cost_usd\n{rows}")
    report = shop.run().tables["transfers"]
    assert [float(row[0]) for row in amounts(shop)] == [0.75, 2.5]
    assert any(
        "not in the contract" in warning and "transfer_cost_usd" in warning for warning in report.warnings
    )


def test_a_missing_column_is_still_missing(shop):
    shop.put("transfers.csv", f"{HEADER}transfer_price_usd\n{ROWS}")
    with pytest.raises(HeaderError, match="transfer_cost"):
        shop.run()


def test_a_landing_of_before_is_brought_forward_row_by_row(shop):
    shop.put("transfers.csv", f"{HEADER}transfer_cost\n{ROWS}")
    shop.run()
    (batch,) = [b for b in landed_batches(shop.landing) if b.table == "transfers"]
    part = shop.landing / "transfers" / f"batch={batch.batch_id}" / "part-0.parquet"
    before = duckdb.sql(f"FROM read_parquet({literal(part)}, hive_partitioning = false)").fetchall()
    table = pq.read_table(part, partitioning=None)
    pq.write_table(
        table.rename_columns(
            ["transfer_cost_usd" if n == "transfer_cost" else n for n in table.column_names]
        ),
        part,
    )
    assert has_former_names(shop.landing)
    shop.put("transfers/more.csv", f"{HEADER}transfer_cost\nT3,P1,L1,L2,2026-01-02,2026-01-03,4,1\n")
    shop.run()
    assert not has_former_names(shop.landing)
    after = duckdb.sql(f"FROM read_parquet({literal(part)}, hive_partitioning = false)")
    assert "transfer_cost" in after.columns and after.fetchall() == before
    assert check_landing(shop.landing).problems == ()


def test_a_former_name_is_no_present_one_and_has_no_currency_left():
    for each in contracts().values():
        names = {column.name for column in each.columns}
        assert not names & set(each.former_names)
        assert not [name for name in names if name.endswith("_usd")]


def test_names_are_replaced_in_place():
    table = contract("sales_lines")
    names, replaced = present_names(["sales_line_id", "sales_value_usd", "note"], table)
    assert names == ["sales_line_id", "sales_value", "note"]
    assert replaced == {"sales_value_usd": "sales_value"}
