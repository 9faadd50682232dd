"""Paths that the register of models remembers, changed when a state is restored into another folder."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("logged_models", "artifact_location"),
)


def relocate_models(state: Path, before: str, after: str) -> None:
    """Change the prefix `before` to `after` in MLflow's store and in our receipts of trained models.

    MLflow keeps artifacts' addresses as absolute paths and has no way to change them.
    """
    if before == after:
        return
    database = state / "mlflow" / "mlflow.db"
    if database.exists():
        connection = sqlite3.connect(database)
        try:
            with connection:
                for table, column in _COLUMNS:
                    _replace_prefix(connection, table, column, before, after)
        finally:
            connection.close()
    for receipt in (state / "mlflow" / "artifacts").glob("*.json"):
        body = json.loads(receipt.read_text())
        bundle = body.get("bundle") if isinstance(body, dict) else None
        if isinstance(bundle, str) and bundle.startswith(f"{before}/"):
            receipt.write_text(json.dumps(body | {"bundle": after + bundle.removeprefix(before)}))


def _replace_prefix(connection: sqlite3.Connection, table: str, column: str, before: str, after: str) -> None:
    for old, new in ((before, after), (Path(before).as_uri(), Path(after).as_uri())):
        connection.execute(
            f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
            (new, len(old) + 1, len(old) + 1, f"{old}/"),
        )
