"""What an ingest needs to know of a table, taken from its contract."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Reference(BaseModel):
    """A foreign key: `table.column` that should hold the value. Unknown keys are reported, not refused."""

    model_config = ConfigDict(frozen=True)

    table: str
    column: str


class Column(BaseModel):
    """One column: its physical type (DuckDB's name) and its rules. `required` False means NULL is allowed.

    `former_name` is what the column was called before: files that still call it so are read, with a note.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    physical_type: str
    description: str
    required: bool
    is_key: bool = False
    unit: str | None = None
    classification: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    allowed_values: tuple[str, ...] = ()
    not_in_future: bool = False
    reference: Reference | None = None
    former_name: str | None = None

    @property
    def pii_class(self) -> str | None:
        """Kind of personal data (`identifier`, `quasi-identifier`, `sensitive`), or None."""
        return self.classification.removeprefix("pii:") if self.classification else None


class Contract(BaseModel):
    """One table. `fingerprint` changes when the YAML's meaning changes: it is part of every batch id."""

    model_config = ConfigDict(frozen=True)

    table: str
    version: str
    purpose: str
    grain: str
    freshness_days: int
    columns: tuple[Column, ...]
    duplicate_keys: Literal["error", "warning"]
    fingerprint: str

    @property
    def key(self) -> tuple[str, ...]:
        """Column names that identify a row, in key order."""
        return tuple(c.name for c in self.columns if c.is_key)

    @property
    def former_names(self) -> dict[str, str]:
        """The present name of every column that was called otherwise, by its former one."""
        return {c.former_name: c.name for c in self.columns if c.former_name}

    def column(self, name: str) -> Column:
        """The column of that name. Raises KeyError."""
        return {c.name: c for c in self.columns}[name]
