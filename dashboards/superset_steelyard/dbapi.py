"""A read-only DB-API 2.0 over semantic SQL. One cursor, one request, one Arrow table."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from .client import Client
from .end_user import EndUser
from .errors import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Warning,
)

apilevel = "2.0"
threadsafety = 1
paramstyle = "pyformat"

Description = tuple[str, str, None, None, None, None, bool]
Row = tuple[object, ...]


def connect(
    *, end_user: EndUser | None = None, client: Client | None = None, **unknown: object
) -> Connection:
    """A connection for one person. Raises InterfaceError if nobody, or anything else, is given."""
    if unknown:
        raise InterfaceError(f"Connection settings are not accepted: {', '.join(sorted(unknown))}.")
    if end_user is not None and not isinstance(end_user, EndUser):
        raise InterfaceError("Who is looking cannot be set in a connection.")
    return Connection(client or Client.from_environment(), end_user)


class Connection:
    """Holds no state at the server, so closing and rolling back do nothing."""

    def __init__(self, client: Client, end_user: EndUser | None) -> None:
        self.client = client
        self.end_user = end_user

    def cursor(self) -> Cursor:
        return Cursor(self)

    def commit(self) -> None:
        """Nothing was written."""

    def rollback(self) -> None:
        """Nothing was written."""

    def close(self) -> None:
        """Nothing is held."""


class Cursor:
    """Runs one query at a time. `release` tells which release answered the last one."""

    arraysize = 1000

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.description: list[Description] | None = None
        self.rowcount = -1
        self.release: str | None = None
        self._rows: list[Row] = []
        self._at = 0

    def execute(self, sql: str, parameters: object = None) -> Cursor:
        """Raises InterfaceError without a signed-in user or with bind parameters, else DatabaseError."""
        if parameters:
            raise InterfaceError("Bind parameters are not understood; write the values.")
        user = self.connection.end_user
        if user is None:
            raise InterfaceError("Numbers are shown to signed-in people only: nobody is signed in here.")
        table, self.release = self.connection.client.sql(sql, user.name, user.release)
        self.description = [(f.name, type_code(f.type), None, None, None, None, True) for f in table.schema]
        self._rows = rows_of(table)
        self._at, self.rowcount = 0, table.num_rows
        return self

    def executemany(self, sql: str, parameters: object) -> Cursor:
        raise NotSupportedError("Only one query at a time.")

    def fetchone(self) -> Row | None:
        rows = self.fetchmany(1)
        return rows[0] if rows else None

    def fetchmany(self, size: int | None = None) -> list[Row]:
        rows = self._rows[self._at : self._at + (size or self.arraysize)]
        self._at += len(rows)
        return rows

    def fetchall(self) -> list[Row]:
        rows, self._at = self._rows[self._at :], len(self._rows)
        return rows

    def close(self) -> None:
        self._rows = []

    def setinputsizes(self, sizes: Sequence[object]) -> None:
        """Nothing to prepare."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Nothing to prepare."""


def type_code(kind: pa.DataType) -> str:
    """The SQL name of an Arrow type."""
    if pa.types.is_boolean(kind):
        return "BOOLEAN"
    if pa.types.is_integer(kind):
        return "BIGINT"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "DOUBLE"
    if pa.types.is_date(kind):
        return "DATE"
    return "TIMESTAMP" if pa.types.is_timestamp(kind) else "VARCHAR"


def rows_of(table: pa.Table) -> list[Row]:
    """As Python tuples. Decimals become floats: charts draw in doubles, and pandas would take objects."""
    columns = [
        column.cast(pa.float64()) if pa.types.is_decimal(column.type) else column for column in table.columns
    ]
    return list(zip(*(column.to_pylist() for column in columns), strict=True)) if columns else []


__all__ = [
    "Connection",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Warning",
    "connect",
]
