"""How long rows may name their customer, by table. Neutral by default: for ever."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from integrations.contracts import Column
from integrations.errors import RetentionError
from integrations.ingest.rewrite import RowChange, rewrite_landing, touched_rows, without_customer
from semantic.sql.quoting import identifier, literal
from semantic.suggest import near

_AGES: Mapping[str, str] = {
    "sales_lines": "sold_at",
    "returns": "returned_at",
    "coupon_redemptions": "redeemed_on",
    "campaigns": "ends_on",
    "consents": "valid_to",
}
"""The column that tells how old a row is. A row without a value (an open consent) does not age."""


@dataclass(frozen=True)
class Retention:
    """Days for which rows may name their customer, by table; a table that is left out keeps them."""

    days: Mapping[str, int]

    @classmethod
    def parse(cls, text: str) -> Retention:
        """From `sales_lines=1095, consents=3650`. Raises RetentionError naming the part that is wrong."""
        days = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            table, _, number = (piece.strip() for piece in part.partition("="))
            if table not in _AGES:
                hint = f"{near(table, _AGES, 1)} Tables: {', '.join(_AGES)}.".lstrip()
                raise RetentionError(f"No retention can be set for '{table}'.", hint=hint)
            if not number.isascii() or not number.isdigit() or int(number) == 0:
                raise RetentionError(f"'{part}' does not say a number of days, as in 'sales_lines=1095'.")
            days[table] = int(number)
        return cls(days)


def expired_rows(
    con: duckdb.DuckDBPyConnection, landing: Path, retention: Retention, *, today: dt.date
) -> dict[str, int]:
    """Rows that name a customer for longer than they may, by table."""
    return touched_rows(con, landing, _change(retention, today))


def expire(
    con: duckdb.DuckDBPyConnection, landing: Path, retention: Retention, *, today: dt.date
) -> dict[str, int]:
    """Take the customer out of these rows; answers how many, by table. The caller is the only writer."""
    return rewrite_landing(con, landing, _change(retention, today))


def _change(retention: Retention, today: dt.date) -> Callable[[str, Column], RowChange | None]:
    def change(table: str, column: Column) -> RowChange | None:
        if table not in retention.days:
            return None
        last = today - dt.timedelta(days=retention.days[table])
        named = f"{identifier(column.name)} IS NOT NULL"
        old = f"{identifier(_AGES[table])} < DATE {literal(last.isoformat())}"
        return without_customer(table, column, f"({old} AND {named})")

    return change
