"""The SQLAlchemy dialect `steelyard://`: one table, `metrics`, whose columns are the dimensions.

Works under SQLAlchemy 1.4 (Superset's) and 2. Probes nothing, binds nothing, reflects from the API.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from sqlalchemy import types
from sqlalchemy.engine import default
from sqlalchemy.engine.url import URL
from sqlalchemy.sql.compiler import IdentifierPreparer

from . import dbapi
from .dbapi import Connection
from .errors import InterfaceError

if TYPE_CHECKING:  # names of SQLAlchemy 2: Superset runs with 1.4
    from sqlalchemy.engine import Connection as SqlConnection
    from sqlalchemy.engine.interfaces import (
        DBAPIConnection,
        ReflectedCheckConstraint,
        ReflectedColumn,
        ReflectedForeignKeyConstraint,
        ReflectedIndex,
        ReflectedPrimaryKeyConstraint,
        ReflectedTableComment,
        ReflectedUniqueConstraint,
    )

TABLE = "metrics"
_TYPES: dict[str, types.TypeEngine[Any]] = {
    "time": types.TIMESTAMP(),
    "boolean": types.BOOLEAN(),
    "number": types.FLOAT(),
}


class SteelyardPreparer(IdentifierPreparer):
    """Names are plain lower-case words; anything else is quoted with double quotes."""


class SteelyardDialect(default.DefaultDialect):
    """Semantic SQL over HTTP."""

    name = "steelyard"
    driver = "http"
    preparer = SteelyardPreparer
    supports_statement_cache = False
    supports_native_boolean = True
    supports_native_decimal = False
    supports_alter = False
    supports_default_values = False
    supports_sane_rowcount = False
    postfetch_lastrowid = False
    returns_unicode_strings = True
    description_encoding = None

    @classmethod
    def dbapi(cls) -> ModuleType:  # type: ignore[override]  # SQLAlchemy 1.4's name for import_dbapi
        return dbapi

    @classmethod
    def import_dbapi(cls) -> ModuleType:
        return dbapi

    def create_connect_args(self, url: URL) -> tuple[list[str], dict[str, object]]:
        """Raises InterfaceError on anything in the address: the server's environment says where to ask."""
        if url.host or url.port or url.username or url.password or url.database or url.query:
            raise InterfaceError("The address is steelyard:// and nothing more.")
        return [], {}

    def initialize(self, connection: object) -> None:
        """Nothing is probed: the API's interface is stable."""

    def do_ping(self, dbapi_connection: DBAPIConnection) -> bool:
        """A question that touches no data."""
        dbapi_connection.cursor().execute(f"SELECT 1 AS one FROM {TABLE} WHERE false")
        return True

    def do_rollback(self, dbapi_connection: object) -> None:
        """Nothing was written."""

    def do_commit(self, dbapi_connection: object) -> None:
        """Nothing was written."""

    def _check_unicode_returns(self, *_: object, **__: object) -> bool:
        return True

    def _check_unicode_description(self, *_: object, **__: object) -> bool:
        return True

    def get_schema_names(self, connection: object, **_: object) -> list[str]:
        return ["main"]

    def _get_default_schema_name(self, connection: object) -> str:
        return "main"

    def get_table_names(self, connection: object, schema: str | None = None, **_: object) -> list[str]:
        return [TABLE]

    def get_view_names(self, connection: object, schema: str | None = None, **_: object) -> list[str]:
        return []

    def has_table(self, connection: object, table_name: str, schema: str | None = None, **_: object) -> bool:
        return table_name == TABLE

    def get_columns(
        self, connection: SqlConnection, table_name: str, schema: str | None = None, **_: object
    ) -> list[ReflectedColumn]:
        """The dimensions that the signed-in person may see."""
        raw = raw_connection(connection)
        user = signed_in(raw)
        return [
            {
                "name": row["name"],
                "type": _TYPES.get(row.get("type") or "", types.VARCHAR()),
                "nullable": True,
                "default": None,
                "comment": row.get("description") or None,
            }
            for row in raw.client.dimensions(user)
        ]

    def get_pk_constraint(
        self, connection: object, table_name: str, schema: str | None = None, **_: object
    ) -> ReflectedPrimaryKeyConstraint:
        return {"constrained_columns": [], "name": None}

    def get_foreign_keys(
        self, connection: object, table_name: str, schema: str | None = None, **_: object
    ) -> list[ReflectedForeignKeyConstraint]:
        return []

    def get_indexes(
        self, connection: object, table_name: str, schema: str | None = None, **_: object
    ) -> list[ReflectedIndex]:
        return []

    def get_unique_constraints(
        self, connection: object, table_name: str, schema: str | None = None, **_: object
    ) -> list[ReflectedUniqueConstraint]:
        return []

    def get_check_constraints(
        self, connection: object, table_name: str, schema: str | None = None, **_: object
    ) -> list[ReflectedCheckConstraint]:
        return []

    def get_table_comment(
        self, connection: object, table_name: str, schema: str | None = None, **_: object
    ) -> ReflectedTableComment:
        return {"text": "Every governed metric, by every dimension that it can be grouped by."}


def raw_connection(connection: SqlConnection) -> Connection:
    """Ours, below SQLAlchemy's connection or engine."""
    candidate: object = connection.connection
    while not isinstance(candidate, Connection):
        inner = getattr(candidate, "dbapi_connection", None) or getattr(candidate, "connection", None)
        if inner is None or inner is candidate:
            raise InterfaceError("This is not a connection of the steelyard dialect.")
        candidate = inner
    return candidate


def signed_in(connection: Connection) -> str:
    """Raises InterfaceError if nobody is."""
    if connection.end_user is None:
        raise InterfaceError("Numbers are shown to signed-in people only: nobody is signed in here.")
    return connection.end_user.name
