"""How answers leave the command line: a table for people, JSON for machines."""

from __future__ import annotations

import datetime
import decimal
import math
import os
from collections.abc import Collection, Iterable, Sequence
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.services.json_encoding import json_document

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
_LOG_WIDTH = 120  # columns of a log file or pipe, where rich would take 80
console = Console(highlight=False)
if not console.is_terminal and "COLUMNS" not in os.environ:
    console.width = _LOG_WIDTH


def print_json(document: object) -> None:
    """One JSON document on standard output, as the API would answer it."""
    print(json_document(document))


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    caption: str = "",
    right: Collection[str] = (),
    whole: Collection[str] = (),
) -> None:
    """A table with numbers, and the columns named in `right`, to the right; blanks if a value is NULL.

    Columns named in `whole` are never broken over lines, so that their values can be copied.
    """
    values = [list(row) for row in rows]
    table = Table(title=title, title_justify="left")
    decimals = [_decimals(row[at] for row in values) for at in range(len(columns))]
    for at, name in enumerate(columns):
        numeric = values and all(isinstance(row[at], int | float | decimal.Decimal | None) for row in values)
        justify: Literal["left", "right"] = "right" if numeric or name in right else "left"
        table.add_column(name, justify=justify, overflow="fold", no_wrap=name in whole)
    for row in values:
        table.add_row(*map(cell, row, decimals))
    console.print(table)
    if caption:
        console.print(caption, style="dim")


def _decimals(column: Iterable[object]) -> int:
    """Four for a column of small numbers such as rates, else two: alike all the way down."""
    numbers = [abs(float(value)) for value in column if isinstance(value, float | decimal.Decimal)]
    return 2 if any(number >= 10 for number in numbers) else 4


def cell(value: object, decimals: int | None = None) -> str:
    """Numbers with thousands separators and as many decimals as their column has; NULL as an empty cell."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | decimal.Decimal):
        return f"{value:,.{_decimals([value]) if decimals is None else decimals}f}"
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else f"{value:%Y-%m-%d %H:%M:%S%z}"
    return f"{value:,}" if isinstance(value, int) else escape(str(value))
