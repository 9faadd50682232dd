"""Answers as CSV (RFC 4180): a header, CRLF, texts quoted if they need it.

NULL is empty, an empty text is `""`. A text that a spreadsheet would run as a formula gets an apostrophe
before it; numbers and dates are never changed (docs/decisions says why).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator

import pyarrow as pa

_ROWS_AT_ONCE = 2_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_QUOTED = frozenset(',"\r\n')


def csv_chunks(table: pa.Table) -> Iterator[bytes]:
    """The rows of a table, some thousands at a time."""
    yield _line(table.column_names)
    for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
        columns = [column.to_pylist() for column in batch.columns]
        yield b"".join(_line(row) for row in zip(*columns, strict=True))


def _line(values: Iterable[object]) -> bytes:
    return (",".join(map(_cell, values)) + "\r\n").encode()


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case dt.datetime() | dt.date():
            return value.isoformat()
        case str():
            return _text(value)
        case list() | dict():
            return _text(json.dumps(value, default=str))
    return str(value)


def _text(value: str) -> str:
    if value.lstrip(" ").startswith(_FORMULA):
        value = f"'{value}"
    if not value or _QUOTED.intersection(value) or value != value.strip():
        return '"' + value.replace('"', '""') + '"'
    return value
