"""Which tables name customers, in which column, and what becomes of a customer's rows on erasure."""

from __future__ import annotations

from enum import StrEnum
from functools import cache

from integrations.contracts import Column, Contract, contracts

ERASED = "erased"
"""Stands for everybody who was erased while keys are given pseudonyms; it is never landed."""

_BOOKS = frozenset({"sales_lines", "returns"})


class Treatment(StrEnum):
    """Rows of the books stay, without the customer; what is only about the customer goes."""

    ANONYMISE = "anonymise"
    REMOVE = "remove"


def person_column(contract: Contract) -> Column | None:
    """The column that names a customer, by its classification; None if the table names none."""
    return next((column for column in contract.columns if column.pii_class == "identifier"), None)


@cache
def person_tables() -> dict[str, Column]:
    """Every table of the retailer that names customers, with that column."""
    named = {table: person_column(contract) for table, contract in contracts().items()}
    return {table: column for table, column in named.items() if column is not None}


def treatment(table: str) -> Treatment:
    """What becomes of the rows of an erased customer in this table.

    Sales and returns carry money: without them the books would not tie out. They stay without a customer, as
    those of people who never gave a name: their contracts require none.
    """
    return Treatment.ANONYMISE if table in _BOOKS else Treatment.REMOVE
