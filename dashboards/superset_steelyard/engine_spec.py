"""What Superset must know of the dialect: whose rights hold, time grains, literals, words of refusals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from sqlalchemy import types
from sqlalchemy.engine.url import URL
from superset.constants import TimeGrain
from superset.db_engine_specs.base import BaseEngineSpec
from superset.errors import ErrorLevel, SupersetError, SupersetErrorType
from superset.exceptions import SupersetErrorException
from superset.extensions import cache_manager

from . import errors
from .cache import keeps_readers_apart
from .client import Client
from .definitions import metric_fields
from .end_user import EndUser
from .json_types import Json
from .pages import release_for, signed_in_user

_Answer = TypeVar("_Answer")


class SteelyardEngineSpec(BaseEngineSpec):
    """Steelyard's governed metrics, read as the person who is signed in."""

    engine = "steelyard"
    engine_name = "Steelyard"
    default_driver = "http"
    sqlalchemy_uri_placeholder = "steelyard://"

    allows_joins = False
    allows_subqueries = True  # False breaks Superset's row counts
    allows_sql_comments = False
    allows_cte_in_subquery = False
    allows_alias_to_source_column = True
    supports_file_upload = False
    supports_dynamic_schema = False
    supports_catalog = False
    disallow_uri_query_params = {"http": {"user", "release"}}  # noqa: RUF012 - Superset's own form

    _time_grain_expressions = {  # noqa: RUF012
        None: "{col}",
        TimeGrain.DAY: "DATE_TRUNC('day', {col})",
        TimeGrain.WEEK: "DATE_TRUNC('week', {col})",
        TimeGrain.MONTH: "DATE_TRUNC('month', {col})",
        TimeGrain.QUARTER: "DATE_TRUNC('quarter', {col})",
        TimeGrain.YEAR: "DATE_TRUNC('year', {col})",
    }

    @classmethod
    def impersonate_user(
        cls,
        database: object,
        username: str | None,
        user_token: str | None,
        url: URL,
        engine_kwargs: Json,
    ) -> tuple[URL, Json]:
        """Open the connection for the person signed in, and for nobody else."""
        refuse_shared_cache()
        user = signed_in_user()
        if user and user == username:
            own = EndUser(user, cls._answered(release_for, user))
            engine_kwargs["connect_args"] = {"end_user": own}
        return url, engine_kwargs

    @classmethod
    def adjust_engine_params(
        cls,
        uri: URL,
        connect_args: Json,
        catalog: str | None = None,
        schema: str | None = None,
    ) -> tuple[URL, Json]:
        """Settings from the connection form are dropped, in place: Superset keeps the same dictionary."""
        connect_args.clear()
        return uri, connect_args

    @classmethod
    def get_impersonation_key(cls, user: object) -> str | None:
        """What a chart's cache key must hold: the reader and the release."""
        name = getattr(user, "username", None)
        return f"{name}@{cls._answered(release_for, name)}" if name else None

    @classmethod
    def validate_database_uri(cls, sqlalchemy_uri: URL) -> None:
        """Raises SupersetErrorException on anything but `steelyard://`."""
        more = (sqlalchemy_uri.host, sqlalchemy_uri.username, sqlalchemy_uri.password, sqlalchemy_uri.query)
        if any(more) or sqlalchemy_uri.port or sqlalchemy_uri.database:
            raise _refusal("The address is steelyard:// and nothing more: the server knows where to ask.")

    @classmethod
    def get_metrics(cls, database: object, inspector: object, table: object) -> list[Json]:
        """Every metric that the person who makes a dataset may see."""
        user = signed_in_user()
        if user is None:
            return []
        keep = ("metric_name", "verbose_name", "metric_type", "expression", "description", "d3format")
        rows = cls._answered(Client.from_environment().metrics, user)
        return [{k: v for k, v in metric_fields(row).items() if k in keep} for row in rows]

    @classmethod
    def convert_dttm(cls, target_type: str, dttm: datetime, db_extra: Json | None = None) -> str | None:
        """A moment as a literal."""
        if isinstance(cls.get_sqla_column_type(target_type), types.Date):
            return f"CAST('{dttm.date().isoformat()}' AS DATE)"
        return f"CAST('{dttm.isoformat(sep=' ', timespec='seconds')}' AS TIMESTAMP)"

    @classmethod
    def get_datatype(cls, type_code: object) -> str | None:
        """The driver's type codes are SQL names already."""
        return str(type_code) if type_code else None

    @classmethod
    def get_function_names(cls, database: object) -> list[str]:
        return ["MEASURE", "DATE_TRUNC"]

    @classmethod
    def extract_error_message(cls, ex: Exception) -> str:
        """The API's sentence, without the engine's name before it."""
        return cls._extract_error_message(ex)

    @classmethod
    def _extract_error_message(cls, ex: Exception) -> str:
        """Sentences of the API and of this driver are shown; anything else stays in the log."""
        cause: BaseException | None = ex
        while cause is not None:
            if isinstance(cause, errors.Error):
                return str(cause)
            cause = getattr(cause, "orig", None) or cause.__cause__
        if isinstance(ex, SupersetErrorException):
            return str(ex.error.message)
        return "This cannot be answered. The server's log says why."

    @classmethod
    def _answered(cls, question: Callable[[str], _Answer], user: str) -> _Answer:
        try:
            return question(user)
        except errors.Error as error:
            raise _refusal(str(error)) from error


def refuse_shared_cache() -> None:
    """Raises SupersetErrorException if one reader's cached answer could reach another."""
    proxy = cache_manager.data_cache
    if not keeps_readers_apart(getattr(proxy, "cache", None)):
        raise _refusal(
            "Superset's data cache is shared between readers here, so no numbers are shown. Set "
            "DATA_CACHE_CONFIG's CACHE_TYPE to superset_steelyard.cache.on_disk."
        )


def _refusal(message: str) -> SupersetErrorException:
    return SupersetErrorException(
        SupersetError(
            message=message,
            error_type=SupersetErrorType.GENERIC_DB_ENGINE_ERROR,
            level=ErrorLevel.ERROR,
            extra={"engine_name": SteelyardEngineSpec.engine_name},
        )
    )
