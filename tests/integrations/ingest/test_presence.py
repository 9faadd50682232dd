"""Which tables and columns nobody brought."""

import duckdb
import pytest

from integrations.errors import NoSalesError
from integrations.ingest import missing_needs, require_sales


def write(landing, table, batch, select):
    folder = landing / table / f"batch={batch}"
    folder.mkdir(parents=True)
    duckdb.sql(f"copy ({select}) to '{folder}/part-0.parquet' (format parquet)")


def test_what_is_missing(tmp_path):
    write(tmp_path, "sales", "b1", "select 1 as id, null::varchar as customer, null::decimal as cost")
    write(
        tmp_path, "sales", "b2", "select 2 as id, 3.5::decimal as cost"
    )  # an older contract had no customer
    write(tmp_path, "returns", "empty", "select 1 as id limit 0")
    needs = ("sales", "returns", "orders", "sales.cost", "sales.customer", "sales.nothing")
    assert missing_needs(tmp_path, needs) == {"returns", "orders", "sales.customer", "sales.nothing"}
    either = ("returns or sales", "returns or orders", "sales.customer or sales.cost")
    assert missing_needs(tmp_path, either) == {"returns or orders"}


def test_without_a_sales_line_nothing_is_built(tmp_path):
    write(tmp_path, "sales_lines", "empty", "select 1 as sales_line_id limit 0")
    with pytest.raises(NoSalesError, match="No sales line has come in"):
        require_sales(tmp_path)
    write(tmp_path, "sales_lines", "b1", "select 1 as sales_line_id")
    require_sales(tmp_path)
