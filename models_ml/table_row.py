"""One row of a table, as a loop over a data frame hands it out."""

from __future__ import annotations

from typing import Any, TypeAlias

TableRow: TypeAlias = Any
"""A row of `DataFrame.itertuples`, one attribute a column. Pandas gives it no type: which columns there are,
the function that made the table says; a column that it lacks raises AttributeError."""
