"""WAREHOUSE SQL: what one answer costs on the bare libraries that a governed one is made with."""

import sys

import cedarpy  # noqa: F401  # imported for its cost
import duckdb
import pyarrow  # noqa: F401
import pydantic_settings  # noqa: F401
import sqlalchemy  # noqa: F401
import sqlglot  # noqa: F401


def main() -> None:
    warehouse, sql = sys.argv[1:]
    with duckdb.connect(warehouse, read_only=True) as connection:
        print(connection.sql(sql).to_arrow_table().num_rows)


main()
