"""How answers leave the command line: a table for people, JSON for machines."""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from api.jsonable import json_document

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
console = Console(highlight=False)


def print_json(document: Any) -> None:
    """One JSON document on standard output, as the API would answer it."""
    print(json_document(document))


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, caption: str = ""
) -> None:
    """A table with numbers to the right and blanks where a value is NULL."""
    kept = [list(row) for row in rows]
    table = Table(title=title, title_justify="left", caption=caption or None, caption_justify="left")
    for at, name in enumerate(columns):
        numeric = all(isinstance(row[at], int | float | decimal.Decimal) or row[at] is None for row in kept)
        table.add_column(name, justify="right" if numeric and kept else "left", overflow="fold")
    for row in kept:
        table.add_row(*[cell(value) for value in row])
    console.print(table)


def cell(value: Any) -> str:
    """Numbers with thousands separators and at most four decimals; NULL as an empty cell."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | decimal.Decimal):
        return f"{value:,.4f}" if abs(float(value)) < 10 else f"{value:,.2f}"
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(sep=" ")
    return f"{value:,}" if isinstance(value, int) else str(value).replace("[", r"\[")
