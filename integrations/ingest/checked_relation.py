"""Raw rows under their contract, as SQL: which rows are loaded, and which are rejected by which rule."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from integrations.contracts import Contract
from integrations.ingest.checks import Check, contract_checks, typed
from semantic.sql.quoting import identifier, literal

# One rejected row is one line of the file: control characters of the raw text are written as escapes.
_ONE_LINE = "replace(replace(replace(raw_row, chr(0), '\\0'), chr(13), '\\r'), chr(10), '\\n') AS raw_row"


@dataclass(frozen=True)
class CheckedRelation:
    """`relation` is SQL that can come after FROM: raw columns of the given DuckDB `types`, and `_line`."""

    contract: Contract
    relation: str
    types: dict[str, str]
    checks: tuple[Check, ...]

    @classmethod
    def describe(cls, con: duckdb.DuckDBPyConnection, contract: Contract, relation: str) -> CheckedRelation:
        """The relation with its columns' types and the checks of its contract."""
        described = con.execute(
            f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {relation})"
        ).fetchall()
        types: dict[str, str] = dict(described)
        return cls(contract, relation, types, tuple(contract_checks(contract, types, types)))

    def valid_rows(self, *, sequence: int, simulated: bool, last_of_key: bool = False) -> str:
        """SELECT of the rows that break no rule, typed, with `is_simulated` and `batch_sequence`.

        With `last_of_key`, of the rows of one key the last of the file only.
        """
        columns = ", ".join(
            f"{typed(c, self.types, self.types)} AS {identifier(c.name)}" for c in self.contract.columns
        )
        flag = (
            "coalesce(CAST(is_simulated AS BOOLEAN), false)"
            if "is_simulated" in self.types
            else str(simulated).lower()
        )
        unique = f" {self._nth_of_key('= 1')}" if last_of_key else ""
        return (
            f"SELECT {columns}, {flag} AS is_simulated, {sequence}::INTEGER AS batch_sequence "
            f"FROM {self.relation} WHERE NOT ({self._broken}){unique}"
        )

    def rejected_rows(self, label: str, *, duplicates: bool) -> str:
        """SELECT of file, line, column, rule and raw text of each rejected row, by line.

        A row is reported with the first rule that it breaks. With `duplicates`, also all rows of a key but
        the last.
        """
        arms = " ".join(
            f"WHEN {check.predicate} THEN {{'c': {literal(check.column)}, 'r': {literal(check.name)}}}"
            for check in self.checks
        )
        select = (
            f'SELECT _line, broken.c AS "column", broken.r AS rule, raw_row FROM (SELECT _line, '
            f"CASE {arms} END AS broken, {self._raw} AS raw_row FROM {self.relation} WHERE {self._broken})"
        )
        if duplicates:
            key = literal(", ".join(self.contract.key))
            select += (
                f" UNION ALL SELECT _line, {key}, 'duplicate key: a later row of the file wins', {self._raw} "
                f"FROM (SELECT * FROM {self.relation} WHERE NOT ({self._broken}) {self._nth_of_key('> 1')})"
            )
        return (
            f'SELECT {literal(label)} AS file, _line AS line, "column", rule, {_ONE_LINE} '
            f"FROM ({select}) ORDER BY _line"
        )

    @property
    def _broken(self) -> str:
        return " OR ".join(check.predicate for check in self.checks) or "false"

    @property
    def _raw(self) -> str:
        """The row as it came: the text of a file's line, or JSON of the columns."""
        if "_raw" in self.types:
            return "_raw"
        names = [identifier(name) for name in self.types if not name.startswith("_")]
        fields = ", ".join(f"{name} := CAST({name} AS VARCHAR)" for name in names)
        return f"CAST(to_json(struct_pack({fields})) AS VARCHAR)"

    def _nth_of_key(self, condition: str) -> str:
        """QUALIFY by the position of a row among those of its key, counted from the end of the file."""
        columns = (self.contract.column(name) for name in self.contract.key)
        key = ", ".join(typed(column, self.types, self.types) for column in columns)
        return f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY _line DESC) {condition}"
