"""Text files: a fast strict reading for clean files, an exact numbered one for all others.

Clean files (nearly all) are parsed in parallel by DuckDB in strict mode. If that fails, or a row
breaks a rule, the file is read once more row by row, so that every bad row is known by its line and text.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from integrations.errors import UnreadableFileError
from integrations.ingest.checks import BROKEN_QUOTES, NOT_UTF8, NUL_BYTE, RAGGED
from integrations.ingest.header import BROKEN, open_text
from integrations.ingest.limits import LONGEST_FIELD, bounded_lines
from semantic.sql.quoting import literal

ROWS_AT_ONCE = 50_000
CHARACTERS_AT_ONCE = 32_000_000


def strict_relation(path: Path, columns: list[str], delimiter: str) -> str:
    """SQL that reads a clean file, all columns as text; DuckDB raises on the first defect."""
    struct = ", ".join(f"{literal(c)}: 'VARCHAR'" for c in columns)
    return (
        f"(SELECT *, 0::BIGINT AS _line, false AS _from_text FROM read_csv({literal(path)}, header = true, "
        f"auto_detect = false, delim = {literal(delimiter)}, quote = '\"', escape = '\"', nullstr = '', "
        f"columns = {{{struct}}}, strict_mode = true, max_line_size = {LONGEST_FIELD}))"
    )


def numbered_relation(path: Path, label: str, columns: list[str], delimiter: str, workspace: Path) -> str:
    """SQL over the rows with `_line`, `_raw` and `_defect` (NULL for a sound row), in bounded memory.

    Raises UnreadableFileError naming the line for a truncated archive or a quote that is never closed.
    """
    schema = pa.schema([(c, pa.string()) for c in [*columns, "_raw", "_defect"]] + [("_line", pa.int64())])
    target = workspace / f"{path.name}.numbered.parquet"
    with pq.ParquetWriter(target, schema) as writer:
        block: list[tuple[object, ...]] = []
        characters = 0
        for row in _rows(path, label, len(columns), delimiter):
            block.append(row)
            characters += len(str(row[-3]))
            if len(block) == ROWS_AT_ONCE or characters > CHARACTERS_AT_ONCE:
                writer.write_table(_table(block, schema))
                block, characters = [], 0
        writer.write_table(_table(block, schema))
    return f"(SELECT *, true AS _from_text FROM read_parquet({literal(target)}))"


def _table(block: list[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    columns: list[Sequence[object]] = list(zip(*block, strict=True)) if block else [() for _ in schema]
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def _rows(path: Path, label: str, width: int, delimiter: str) -> Iterator[tuple[object, ...]]:
    """Fields, raw text, defect and first line of every record after the header; blank lines are none."""
    csv.field_size_limit(LONGEST_FIELD)
    consumed: list[str] = []
    line = 1
    try:
        with open_text(path) as file:
            lines = bounded_lines(file, label, consumed)
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            next(reader)
            while True:
                consumed.clear()
                line = reader.line_num + 1
                try:
                    fields: list[str] | None = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    if "unexpected end" in str(error) or "larger than" in str(error):
                        problem = (
                            "a quote is never closed" if "unexpected" in str(error) else "a field is too long"
                        )
                        raise UnreadableFileError(f"{label}, line {line}: {problem}.") from error
                    fields = None
                if fields == []:
                    continue
                yield _row(fields, "".join(consumed).rstrip("\r\n"), width, line)
    except BROKEN as error:
        raise UnreadableFileError(
            f"{label}, after line {line}: the file ends early or is damaged ({error}).", hint="Send it again."
        ) from error


def _row(fields: list[str] | None, raw: str, width: int, line: int) -> tuple[object, ...]:
    defect, is_unicode = None, raw.isascii() or _is_unicode(raw)
    if fields is None:
        defect = BROKEN_QUOTES
    elif not is_unicode:
        defect = NOT_UTF8
    elif "\0" in raw:
        defect = NUL_BYTE
    elif len(fields) != width:
        defect = RAGGED
    if not is_unicode:
        raw = raw.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    values = [None] * width if defect else fields
    return (*(values or []), raw, defect, line)


def _is_unicode(text: str) -> bool:
    """False if a byte that is not UTF-8 survived as a surrogate."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
