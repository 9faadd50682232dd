"""Platform tables into the landing: an export replaces the former whole; the same content changes nothing.

A batch is named by its contract and its content. The new one is there before the old one goes, with a higher
sequence, so that a reader in between, or a kill, finds the newest row of every key.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import duckdb

from governance.progress import Progress, silent
from integrations.contracts import Contract, platform_contracts
from integrations.ingest.checks import typed
from integrations.ingest.context import IngestContext, open_connection
from integrations.ingest.landing import only_writer
from integrations.ingest.load_batch import load_batch
from integrations.ingest.platform_tables import ensure_platform, keep_batches, platform_batch_id
from integrations.ingest.state import batch_folder
from integrations.platform.exporter import SOURCE, PlatformState, PlatformTable
from semantic.sql.quoting import literal


@dataclass
class RecordReport:
    """Rows and batch of every exported table, and which of them are new in the landing."""

    rows: dict[str, int] = field(default_factory=dict)
    batches: dict[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """JSON-ready form."""
        return asdict(self)


def record(
    state: PlatformState,
    landing: Path,
    quarantine: Path,
    *,
    tables: tuple[PlatformTable, ...],
    progress: Progress = silent,
    memory_limit: str = "1500MB",
) -> RecordReport:
    """Export `tables` into the landing.

    Raises TooManyBadRowsError when one row of our own breaks a contract.
    """
    landing.mkdir(parents=True, exist_ok=True)
    report = RecordReport()
    with only_writer(landing):
        ensure_platform(landing)
        workspace = landing / "_work"
        shutil.rmtree(workspace, ignore_errors=True)
        workspace.mkdir()
        connection = open_connection(workspace, memory_limit=memory_limit)
        context = IngestContext(connection, landing, quarantine, workspace, tolerance=0.0)
        try:
            for table in tables:
                progress(f"recording {table.name}")
                relation = table.export(state, connection)
                if relation is not None:
                    _load_export(context, platform_contracts()[table.name], relation, report)
        finally:
            connection.close()
            shutil.rmtree(workspace, ignore_errors=True)
    return report


def is_landed(landing: Path, table: str, batch_id: str) -> bool:
    """Whether that export is still in the landing."""
    return batch_folder(landing, table, batch_id).is_dir()


def _load_export(context: IngestContext, contract: Contract, relation: str, report: RecordReport) -> None:
    con = context.connection
    rows, content = _content(con, contract, relation)
    batch_id = platform_batch_id(contract, content)
    report.rows[contract.table], report.batches[contract.table] = rows, batch_id
    if not batch_folder(context.landing, contract.table, batch_id).is_dir():
        load_batch(
            context,
            contract,
            f"(SELECT row_number() OVER () AS _line, * FROM {relation})",
            label=f"{SOURCE}/{contract.table}",
            batch_id=batch_id,
            sequence=_newest(con, context.landing, contract) + 1,
            simulated=False,
        )
        report.changed.append(contract.table)
    keep_batches(context.landing, contract, [batch_id])


def _content(con: duckdb.DuckDBPyConnection, contract: Contract, relation: str) -> tuple[int, str]:
    """Rows, and a hash of them whatever their order."""
    described = con.execute(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {relation})")
    types: dict[str, str] = dict(described.fetchall())
    columns = [typed(column, types, types) for column in contract.columns]
    columns += ["is_simulated"] if "is_simulated" in types else []
    row = f"hash({', '.join(columns)})"
    count, *sums = con.execute(
        f"SELECT count(*), bit_xor({row}), sum({row}::HUGEINT) FROM {relation}"
    ).fetchall()[0]
    return int(count), hashlib.sha256(f"{count}:{sums}".encode()).hexdigest()[:16]


def _newest(con: duckdb.DuckDBPyConnection, landing: Path, contract: Contract) -> int:
    """Greatest sequence of the batches that are there; 0 for none, or an empty one."""
    files = literal(landing / contract.table / "*" / "*.parquet")
    rows = con.execute(f"SELECT coalesce(max(batch_sequence), 0) FROM read_parquet({files})").fetchall()
    return int(rows[0][0])
