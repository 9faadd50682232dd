"""Query results as numpy columns."""

from __future__ import annotations

import duckdb
import numpy as np


def columns(con: duckdb.DuckDBPyConnection, sql: str) -> dict[str, np.ndarray]:
    """Rows of a query as one array per column; text comes as objects. The query must not yield NULLs."""
    return {name: np.asarray(values) for name, values in con.execute(sql).fetchnumpy().items()}
