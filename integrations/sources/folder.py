"""A retailer's folder: CSV or Parquet, in a folder per contract table (or one file named after the table).

    retailer/
      products/products.csv
      sales_lines/2026-01.parquet, 2026-02.csv.gz
      suppliers.csv

Each file is one batch; its id is the hash of its content: the same file under another name is the same batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import duckdb

from governance.progress import Progress
from integrations.contracts import contracts
from integrations.errors import SourceNotFoundError, UnreadableFileError
from integrations.sources.base import SourceBatch
from semantic.sql.quoting import literal
from semantic.suggest import near

TEXT = (".csv", ".csv.gz", ".tsv", ".txt")
SUFFIXES = (*TEXT, ".parquet")
CHUNK = 1 << 22


class FolderSource:
    """Files of one retailer. Later files (by name, then by a later run) win by key."""

    is_simulated = False
    replaces_itself = False

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise SourceNotFoundError(
                f"There is no folder '{path}'.", hint="Give a folder with a folder per table."
            )
        self.path = path
        self.name = str(path.resolve())

    def fingerprint(self) -> str:
        """Names, sizes and times of all files: enough to see that nothing changed."""
        stats = [
            (str(f), f.stat().st_size, f.stat().st_mtime_ns) for _, files in self._files() for f in files
        ]
        return hashlib.sha256(repr(stats).encode()).hexdigest()

    def batches(
        self, connection: duckdb.DuckDBPyConnection, workspace: Path, progress: Progress
    ) -> Iterator[SourceBatch]:
        """One batch per file, parents first, files of a table by name."""
        for table, files in self._files():
            for file in files:
                label = str(file.relative_to(self.path))
                progress(f"reading {label}")
                content = _content_hash(file)
                if file.suffix == ".parquet":
                    yield SourceBatch(table, label, content, file, _parquet_relation(connection, file, label))
                else:
                    yield SourceBatch(table, label, content, file)

    def _files(self) -> list[tuple[str, list[Path]]]:
        """Files by table in loading order. Raises SourceNotFoundError if a folder is not a table."""
        entries = [p for p in sorted(self.path.iterdir()) if not p.name.startswith((".", "_"))]
        unknown = [p.name for p in entries if p.is_dir() and p.name not in contracts()]
        if unknown:
            raise SourceNotFoundError(
                f"'{unknown[0]}' in {self.path} is not a contract table.",
                hint=near(unknown[0], contracts(), 1) or "Tables: " + ", ".join(contracts()) + ".",
            )
        tables = []
        for table in contracts():
            inside = sorted((self.path / table).glob("**/*")) if (self.path / table).is_dir() else []
            files = [p for p in entries if p.is_file() and _stem(p) == table] + inside
            files = [p for p in files if p.is_file() and p.name.lower().endswith(SUFFIXES)]
            if files:
                tables.append((table, files))
        if not tables:
            raise SourceNotFoundError(
                f"{self.path} holds no file of a contract table.", hint="See docs/bring-your-own-data.md."
            )
        return tables


def _stem(path: Path) -> str:
    name = path.name.lower()
    return next((name.removesuffix(s) for s in SUFFIXES if name.endswith(s)), name)


def _content_hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _parquet_relation(connection: duckdb.DuckDBPyConnection, file: Path, label: str) -> str:
    scan = f"read_parquet({literal(file)}, file_row_number = true)"
    try:
        connection.execute(f"DESCRIBE SELECT * FROM {scan}")
    except duckdb.Error as error:
        raise UnreadableFileError(
            f"{label} is not a readable Parquet file: {str(error).splitlines()[0]}."
        ) from error
    return f"(SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS _line FROM {scan})"
