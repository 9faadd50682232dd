"""Text files (placeholder while the first landing is built)."""
from __future__ import annotations

from pathlib import Path

import duckdb

from integrations.contracts import Contract
from integrations.source import Delivery


def text_relation(connection: duckdb.DuckDBPyConnection, contract: Contract, delivery: Delivery, workspace: Path) -> str:
    """SQL relation of a CSV file."""
    raise NotImplementedError
