"""Rows in quarantine that may be of a customer: they are kept as they came, with the customer's own key."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from governance.disk import atomic_write
from integrations.ingest.history import Reject, rejects
from integrations.pseudonyms import person_tables

ERASED_ROW = "[erased]"
_BETWEEN = re.compile(r"[,;\t|]")


def rows_naming(quarantine: Path, is_customer: Callable[[str], bool]) -> Iterator[Reject]:
    """Rows of tables that name customers, in which some field is a customer that `is_customer` takes."""
    for table in person_tables():
        yield from (row for row in rejects(quarantine, table) if _names(row.raw_row, is_customer))


def erase_rows(quarantine: Path, is_customer: Callable[[str], bool]) -> int:
    """Replace the text of such rows; that a row was rejected, and why, stays. Answers how many there were."""
    erased = 0
    for table in person_tables():
        for path in sorted(quarantine.glob(f"{table}/batch=*/rejects.csv")):
            erased += _erase_in(path, is_customer)
    return erased


def _erase_in(path: Path, is_customer: Callable[[str], bool]) -> int:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        names, rows = list(reader.fieldnames or ()), list(reader)
    touched = [row for row in rows if _names(row["raw_row"], is_customer)]
    if not touched:
        return 0
    for row in touched:
        row["raw_row"] = ERASED_ROW
    text = io.StringIO()
    lines = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    lines.writerows([names, *([row[name] for name in names] for row in rows)])
    atomic_write(path, text.getvalue())
    return len(touched)


def _names(raw_row: str, is_customer: Callable[[str], bool]) -> bool:
    """Whether a field is the key. Which field is which is not known of a broken row: each is tried."""
    return any(is_customer(field) for field in dict.fromkeys(_fields(raw_row)) if field)


def _fields(raw_row: str) -> Iterator[str]:
    try:
        values = json.loads(raw_row) if raw_row.startswith("{") else None
    except (ValueError, RecursionError):
        values = None
    if isinstance(values, dict):
        yield from (str(value) for value in values.values() if value is not None)
        return
    for field in _BETWEEN.split(raw_row):
        yield field
        yield field.strip().strip("\"'").strip()
