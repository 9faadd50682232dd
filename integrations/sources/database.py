"""A retailer's database: each contract table read by name, streamed, through the same ingest.

Any SQLAlchemy URL. A table or view is found by its contract name; rows are read in key order, so that equal
content has an equal batch id whatever order the database keeps it in.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, Table, create_engine, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError
from sqlalchemy.schema import MetaData

from governance.progress import Progress
from integrations.contracts import contract, contracts
from integrations.errors import SourceError, SourceNotFoundError
from integrations.sources.base import SourceBatch
from semantic.sql.quoting import literal

ROWS_AT_ONCE = 50_000


class DatabaseSource:
    """Tables of one database. Every run reads them whole; equal content is the same batch."""

    is_simulated = False
    replaces_itself = False

    def __init__(self, url: str) -> None:
        try:
            self.url = make_url(url)
        except SQLAlchemyError as error:
            raise SourceNotFoundError(
                "The database URL cannot be read.", hint="dialect://user@host/name"
            ) from error
        self.name = self.url.render_as_string(hide_password=True)

    def fingerprint(self) -> None:
        """A database does not say whether anything changed."""

    def batches(
        self, connection: duckdb.DuckDBPyConnection, workspace: Path, progress: Progress
    ) -> Iterator[SourceBatch]:
        """One batch per contract table that the database has. Raises SourceError naming the database."""
        try:
            engine = create_engine(self.url)
            inspector = inspect(engine)
            present = {*inspector.get_table_names(), *inspector.get_view_names()}
            tables = [t for t in contracts() if t in present]
            if not tables:
                raise SourceNotFoundError(
                    f"{self.name} has no contract table.", hint="See docs/bring-your-own-data.md."
                )
            with engine.connect() as remote:
                for name in tables:
                    progress(f"reading {name}")
                    table = Table(name, MetaData(), autoload_with=engine)
                    target = workspace / f"{name}.rows.parquet"
                    content = _copy(remote, table, target)
                    relation = f"(SELECT * FROM read_parquet({literal(target)}))"
                    yield SourceBatch(name, f"{self.name}/{name}", content, relation=relation)
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise SourceError(
                f"{self.name} cannot be read: there is no driver '{self.url.drivername}'.",
                hint="Install it into .venv, or correct what is before ://.",
            ) from error
        except SQLAlchemyError as error:
            raise SourceError(
                f"{self.name} cannot be read: {type(error).__name__}.",
                hint="Try it with the database's own client: address, port, user, password, rights.",
            ) from error


def _copy(remote: Connection, table: Table, target: Path) -> str:
    """Write the rows as text with their number; returns the hash of the content."""
    names = [c.name for c in table.columns]
    order = [table.c[k] for k in contract(table.name).key if k in names]
    schema = pa.schema([(n, pa.string()) for n in names] + [("_line", pa.int64())])
    digest = hashlib.sha256(repr(names).encode())
    rows = remote.execution_options(yield_per=ROWS_AT_ONCE).execute(select(table).order_by(*order))
    number = 0
    with pq.ParquetWriter(target, schema) as writer:
        for block in rows.partitions():
            texts = [tuple(map(_text, row)) for row in block]
            digest.update(repr(texts).encode())
            columns: list[Sequence[object]] = [
                *zip(*texts, strict=True),
                range(number + 1, number + len(texts) + 1),
            ]
            number += len(texts)
            writer.write_table(
                pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema)
            )
    return digest.hexdigest()


def _text(value: object) -> str | None:
    """A value as the text a CSV would hold; NULL stays NULL."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    return str(value)
