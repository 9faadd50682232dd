"""Tags of columns, and what an expression of the definitions inherits from the columns that it reads.

dbt tags columns of its models (`config.meta`); entities, dimensions and measures are expressions over them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from governance.errors import PolicyBrokenError
from governance.json_types import JsonObject
from governance.policy.tags import Tags

DBT_MANIFEST, LINEAGE = "manifest.json", "lineage.json"


@dataclass(frozen=True)
class ColumnTags:
    """Tags by table and column, in lower case. `declared`: as dbt has them.

    `copied`: columns that hold a person's key by the release's column lineage, though nobody tagged them.
    Lineage only adds tags: that it knows nothing of a column takes none away.
    """

    declared: Mapping[tuple[str, str], Tags] = field(default_factory=dict)
    copied: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def beside(cls, semantic_manifest: Path) -> ColumnTags:
        """From the release's own dbt manifest and lineage, in the folder of its semantic manifest.

        Raises PolicyBrokenError when one of them is there and cannot be read.
        """
        try:
            nodes = _content(semantic_manifest.parent / DBT_MANIFEST).get("nodes") or {}
            declared = dict(_declared(nodes.values()))
            persons = {column for column, tags in declared.items() if tags.names_a_person}
            edges = _content(semantic_manifest.parent / LINEAGE).get("edges") or () if persons else ()
            return cls(declared, frozenset(_copies(edges, persons)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise PolicyBrokenError(f"The release cannot be read for its columns' tags: {error}.") from error

    def of_table(self, table: str) -> dict[str, Tags]:
        """The declared tags of a table's columns, by column."""
        return {column: tags for (owner, column), tags in self.declared.items() if owner == table.lower()}

    def copied_to(self, table: str) -> frozenset[str]:
        """The table's columns that hold a person's key by lineage."""
        return frozenset(column for owner, column in self.copied if owner == table.lower())


@lru_cache(maxsize=4096)
def columns_read(expression: str) -> frozenset[str] | None:
    """The columns that a definition's expression reads, in lower case; None when it does not parse.

    >>> sorted(columns_read("customer_id || '@' || date_day"))
    ['customer_id', 'date_day']
    """
    try:
        tree = sqlglot.parse_one(f"SELECT {expression}", dialect="duckdb")
    except (SqlglotError, RecursionError, ValueError):
        return None
    return frozenset(column.name.lower() for column in tree.find_all(exp.Column))


def only_column(expression: str) -> str | None:
    """The column that an expression is, in lower case; None if it computes something."""
    names = columns_read(expression) or frozenset()
    bare = expression.strip().strip('"').lower()
    return bare if names == {bare} else None


def inherited(expression: str, columns: Mapping[str, Tags]) -> Tags:
    """The strictest tags of the columns that an expression reads; of all columns, if it cannot be read."""
    if not columns:
        return Tags()
    names = columns_read(expression)
    read = columns.values() if names is None else [columns[name] for name in names if name in columns]
    return reduce(Tags.__or__, read, Tags())


def _content(path: Path) -> JsonObject:
    content: JsonObject = json.loads(path.read_text()) if path.exists() else {}
    return content


def _declared(nodes: Iterable[JsonObject]) -> Iterator[tuple[tuple[str, str], Tags]]:
    for node in nodes:
        for column in (node.get("columns") or {}).values():
            tags = Tags.of(column)
            if tags != Tags():
                yield (str(node["alias"]).lower(), str(column["name"]).lower()), tags


def _copies(edges: Iterable[JsonObject], persons: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The columns whose values are made of a person's key, step by step."""
    onward: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        if edge["level"] == "column" and edge["kind"] == "direct":
            onward[edge["source"].lower()].append(edge["target"].lower())
    reached = {f"column.{table}.{column}" for table, column in persons}
    queue = list(reached)
    while queue:
        fresh = [target for target in onward[queue.pop()] if target not in reached]
        reached.update(fresh)
        queue += fresh
    for name in reached:
        kind, _, rest = name.partition(".")
        table, _, column = rest.partition(".")
        if kind == "column" and column:
            yield table, column
