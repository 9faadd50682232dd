"""The SQLAlchemy dialect `steelyard://`: one table, `metrics`, whose columns are the dimensions.

Works under SQLAlchemy 1.4 (Superset's) and 2. Probes nothing, binds nothing, reflects from the API.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from sqlalchemy import types
from sqlalchemy.engine import default
from sqlalchemy.engine.url import URL
from sqlalchemy.sql.compiler import IdentifierPreparer

from . import dbapi
from .dbapi import Connection
from .errors import InterfaceError

TABLE = "metrics"
_TYPES = {"time": types.TIMESTAMP(), "boolean": types.BOOLEAN(), "number": types.FLOAT()}


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

    def create_connect_args(self, url: URL) -> tuple[list[Any], dict[str, Any]]:
        """Raises InterfaceError on anything in the address: the server's environment says where to ask."""
        if url.host or url.port or url.username or url.password or url.database or url.query:
            raise InterfaceError("The address is steelyard:// and nothing more.")
        return [], {}

    def initialize(self, connection: Any) -> None:
        """Nothing is probed: the API's interface is stable."""

    def do_ping(self, dbapi_connection: Any) -> bool:
        """A question that touches no data."""
        dbapi_connection.cursor().execute(f"SELECT 1 AS one FROM {TABLE} WHERE false")
        return True

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Nothing was written."""

    def do_commit(self, dbapi_connection: Any) -> None:
        """Nothing was written."""

    def _check_unicode_returns(self, *_: Any, **__: Any) -> bool:
        return True

    def _check_unicode_description(self, *_: Any, **__: Any) -> bool:
        return True

    def get_schema_names(self, connection: Any, **_: Any) -> list[str]:
        return ["main"]

    def _get_default_schema_name(self, connection: Any) -> str:
        return "main"

    def get_table_names(self, connection: Any, schema: str | None = None, **_: Any) -> list[str]:
        return [TABLE]

    def get_view_names(self, connection: Any, schema: str | None = None, **_: Any) -> list[str]:
        return []

    def has_table(self, connection: Any, table_name: str, schema: str | None = None, **_: Any) -> bool:
        return table_name == TABLE

    def get_columns(
        self, connection: Any, table_name: str, schema: str | None = None, **_: Any
    ) -> list[dict[str, Any]]:
        """The dimensions that the signed-in person may see."""
        raw = raw_connection(connection)
        user = signed_in(raw)
        return [
            {
                "name": row["name"],
                "type": _TYPES.get(row.get("type", ""), types.VARCHAR()),
                "nullable": True,
                "default": None,
                "comment": row.get("description") or None,
            }
            for row in raw.client.dimensions(user)
        ]

    def get_pk_constraint(self, *_: Any, **__: Any) -> dict[str, Any]:
        return {"constrained_columns": [], "name": None}

    def get_foreign_keys(self, *_: Any, **__: Any) -> list[Any]:
        return []

    def get_indexes(self, *_: Any, **__: Any) -> list[Any]:
        return []

    def get_unique_constraints(self, *_: Any, **__: Any) -> list[Any]:
        return []

    def get_check_constraints(self, *_: Any, **__: Any) -> list[Any]:
        return []

    def get_table_comment(self, *_: Any, **__: Any) -> dict[str, Any]:
        return {"text": "Every governed metric, by every dimension that it can be grouped by."}


def raw_connection(connection: Any) -> Connection:
    """Ours, below SQLAlchemy's connection or engine."""
    candidate = connection.connection
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
