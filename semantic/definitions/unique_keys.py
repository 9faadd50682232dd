"""Columns that are unique because a test of dbt's says so: a build without it gives no release.

    columns: [{name: product_id, data_tests: [unique]}]

What a semantic model calls its primary entity is only declared, and may have several rows a key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

UniqueKeys = frozenset[tuple[str, str]]
"""(relation, column in lower case)"""


def unique_keys_of(nodes: Iterable[Mapping[str, Any]]) -> UniqueKeys:
    """The columns of models with a test `unique` that is enabled, fails builds, and looks at all rows.

    >>> model = {"unique_id": "m", "resource_type": "model", "relation_name": '"main"."dim"'}
    >>> test = {"resource_type": "test", "test_metadata": {"name": "unique"}, "attached_node": "m"}
    >>> sure, unsure = {"column_name": "id"}, {"column_name": "name", "config": {"severity": "warn"}}
    >>> sorted(unique_keys_of([model, test | sure, test | unsure]))
    [('"main"."dim"', 'id')]
    """
    listed = list(nodes)
    relations = {n.get("unique_id"): n.get("relation_name") for n in listed if n.get("relation_name")}
    columns = ((relations.get(n.get("attached_node")), n.get("column_name")) for n in listed if _is_sure(n))
    return frozenset((str(relation), str(name).lower()) for relation, name in columns if relation and name)


def _is_sure(node: Mapping[str, Any]) -> bool:
    config = node.get("config") or {}
    return (
        (node.get("test_metadata") or {}).get("name") == "unique"
        and config.get("enabled", True)
        and str(config.get("severity") or "error").lower() == "error"
        and not config.get("where")
        and not config.get("limit")
    )
