"""Contract to SQL: the typed columns of a table, and the predicate of its bad rows.

Every expression reads raw columns of any type (text from CSV, anything from Parquet) and never fails.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from integrations.contracts import Column, Contract
from semantic.sql.quoting import identifier, literal

INTEGERS = ("INTEGER", "BIGINT")
WHOLE = (*INTEGERS, "SMALLINT", "TINYINT", "UTINYINT", "USMALLINT", "UINTEGER")
RAGGED, NOT_UTF8, NUL_BYTE, BROKEN_QUOTES = "number of fields", "not UTF-8", "NUL byte", "broken quoting"
STRUCTURE = (RAGGED, NOT_UTF8, NUL_BYTE, BROKEN_QUOTES)


@dataclass(frozen=True)
class Check:
    """`predicate` is TRUE exactly for the rows that break the rule, never NULL."""

    column: str
    name: str
    predicate: str


def raw_text(column: Column, present: Iterable[str]) -> str:
    """The raw value as text; empty text is NULL; a column that the file does not have is NULL."""
    return (
        f"nullif(CAST({identifier(column.name)} AS VARCHAR), '')"
        if column.name in present
        else "NULL::VARCHAR"
    )


def typed(column: Column, present: Iterable[str], types: dict[str, str]) -> str:
    """The value in its contract type, NULL if it has none or is not of the type."""
    if column.name not in present:
        return f"NULL::{column.physical_type}"
    if types.get(column.name) == column.physical_type and column.physical_type != "VARCHAR":
        return identifier(column.name)
    if column.physical_type in INTEGERS:  # through DECIMAL: text such as 1.5 must not round, 12.0 may pass
        text = raw_text(column, present)
        if types.get(column.name) in WHOLE:
            return f"TRY_CAST({identifier(column.name)} AS {column.physical_type})"
        number = f"TRY_CAST({text} AS DECIMAL(28, 6))"
        return f"CASE WHEN {number} = trunc({number}) THEN TRY_CAST({number} AS {column.physical_type}) END"
    if types.get(column.name, "VARCHAR") != "VARCHAR":
        return f"TRY_CAST({identifier(column.name)} AS {column.physical_type})"
    return f"TRY_CAST({raw_text(column, present)} AS {column.physical_type})"


def contract_checks(contract: Contract, present: Iterable[str], types: dict[str, str]) -> list[Check]:
    """The rules of a table over its raw columns, in the order in which they are reported."""
    checks = [
        Check("", d, f"coalesce(_defect = {literal(d)}, false)") for d in STRUCTURE if "_defect" in types
    ]
    for column in contract.columns:
        value, text, label = typed(column, present, types), raw_text(column, present), column.name
        if column.name in present and types.get(label) != column.physical_type:
            checks.append(
                Check(label, f"type {column.physical_type}", f"({text} IS NOT NULL AND {value} IS NULL)")
            )
        if "_from_text" in types and "_defect" not in types and column.name in present:
            checks.append(Check(label, NUL_BYTE, f"coalesce(contains({identifier(label)}, chr(0)), false)"))
        if column.physical_type == "DOUBLE":
            checks.append(Check(label, "finite number", f"NOT coalesce(isfinite({value}), true)"))
        if column.required:
            checks.append(Check(label, "required", f"({text} IS NULL)"))
        if column.minimum is not None:
            checks.append(
                Check(label, f"minimum {column.minimum:g}", f"coalesce({value} < {column.minimum:g}, false)")
            )
        if column.maximum is not None:
            checks.append(
                Check(label, f"maximum {column.maximum:g}", f"coalesce({value} > {column.maximum:g}, false)")
            )
        if column.allowed_values:
            values = ", ".join(literal(v) for v in column.allowed_values)
            checks.append(Check(label, "allowed values", f"coalesce({value} NOT IN ({values}), false)"))
        if column.not_in_future:
            limit = f"CAST(getvariable('as_of') AS {column.physical_type}) + INTERVAL 1 DAY"
            checks.append(Check(label, "not in the future", f"coalesce({value} > {limit}, false)"))
    return checks
