"""How much one file of a source may ask for: what is beyond is refused in words, in bounded memory.

The limits are far above what retailers send. They stop files that are made, or broken, to be endless.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import duckdb

from integrations.errors import UnreadableFileError
from semantic.sql.quoting import literal

MOST_COLUMNS = 2_000
LONGEST_FIELD = 2_000_000  # characters
LONGEST_RECORD = 8_000_000  # characters, over all its lines
_UNPACKED_FREELY = 256 << 20  # bytes that any archive may unpack to
_MOST_TIMES = 200  # … and beyond them, how often its own size; delimited text packs to a tenth
_ROWS_FREELY = 20_000_000  # rows that any Parquet file may hold
_MOST_ROWS_PER_BYTE = 50  # … and beyond them, by its size: every row has a key of its own
_CHUNK = 1 << 20


def bounded_lines(file: TextIO, label: str, lines: list[str]) -> Iterator[str]:
    """Lines of a text file, each also appended to `lines`, which the caller empties at the end of a record.

    Raises UnreadableFileError for a line or record beyond LONGEST_RECORD, of which no more is read.
    """
    number = length = 0
    while line := file.readline(LONGEST_RECORD + 1):
        number += 1
        length = len(line) + (length if lines else 0)
        lines.append(line)
        if length > LONGEST_RECORD:
            raise UnreadableFileError(
                f"{label}, line {number}: a row is longer than {LONGEST_RECORD:,} characters.",
                hint="Is a line end or a closing quote missing?",
            )
        yield line


def check_archive(path: Path, label: str) -> None:
    """Unpack a gzip file once, keeping nothing. Raises UnreadableFileError if it swells beyond measure.

    A damaged archive passes: its reader says where it ends.
    """
    if not path.name.lower().endswith(".gz"):
        return
    most = max(_UNPACKED_FREELY, _MOST_TIMES * path.stat().st_size)
    unpacked = 0
    try:
        with gzip.open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                unpacked += len(chunk)
                if unpacked > most:
                    raise UnreadableFileError(
                        f"{label} unpacks to more than {_MOST_TIMES} times its size.",
                        hint="It is no ordinary archive of text. Send it unpacked, or in parts.",
                    )
    except (EOFError, OSError, ValueError):
        return


def check_parquet(con: duckdb.DuckDBPyConnection, path: Path, label: str) -> None:
    """Rows and columns that a Parquet file says it has. Raises UnreadableFileError if they cannot be true."""
    sql = f"SELECT num_rows FROM parquet_file_metadata({literal(path)})"
    rows = int(con.execute(sql).fetchall()[0][0])
    size = path.stat().st_size
    if rows > _ROWS_FREELY and rows > _MOST_ROWS_PER_BYTE * size:
        raise UnreadableFileError(
            f"{label} says that it holds {rows:,} rows in {size:,} bytes.",
            hint="Rows that repeat so often are no data. Send it again, or in parts.",
        )
