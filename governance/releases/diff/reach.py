"""What a change reaches: everything downstream of it in dbt's child_map, of both releases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from governance.releases.diff.changes import Raw

KINDS = {"dashboard": "dashboard", "analysis": "chart", "ml": "model"}
"""Exposure types by the word the report uses; any other exposure is an application."""


@dataclass(frozen=True)
class Reached:
    """`kind`: kpi, dashboard, chart, model, application or feature. `because`: the changes that reach it."""

    kind: str
    name: str
    label: str
    because: tuple[str, ...]


def reached(before: Raw, after: Raw, roots: Mapping[str, str]) -> tuple[Reached, ...]:
    """Downstream of `roots` (unique id → name in the report), by kind and name. No root reaches itself."""
    children = _merged(before["child_map"], after["child_map"])
    because: dict[str, set[str]] = {}
    for root, name in roots.items():
        for node in _below(children, root):
            if roots.get(node) != name:
                because.setdefault(node, set()).add(name)
    nodes = []
    for node, names in because.items():
        kind, label = _kind(after, node) or _kind(before, node) or ("", "")
        if kind:
            nodes.append(Reached(kind, node.split(".", 2)[2], label, tuple(sorted(names))))
    return tuple(sorted(nodes, key=lambda r: (r.kind, r.name)))


def _merged(*maps: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    merged: dict[str, set[str]] = {}
    for child_map in maps:
        for node, children in child_map.items():
            merged.setdefault(node, set()).update(children)
    return merged


def _below(children: Mapping[str, set[str]], root: str) -> set[str]:
    seen: set[str] = set()
    waiting = [root]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in seen:
                seen.add(child)
                waiting.append(child)
    return seen


def _kind(manifest: Raw, node: str) -> tuple[str, str] | None:
    if node in manifest["metrics"]:
        return "kpi", manifest["metrics"][node].get("label") or ""
    if node in manifest["exposures"]:
        exposure = manifest["exposures"][node]
        return KINDS.get(exposure["type"], "application"), exposure.get("label") or ""
    model = manifest["nodes"].get(node)
    if model and model["resource_type"] == "model" and "features" in model["fqn"][1:-1]:
        return "feature", model.get("description") or ""
    return None
