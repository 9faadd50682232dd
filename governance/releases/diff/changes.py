"""Two versions of a named thing, compared field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from governance.json_types import JsonObject

What = Literal["added", "removed", "changed"]
Raw: TypeAlias = JsonObject


@dataclass(frozen=True)
class FieldChange:
    """One field by its dotted path; None if the field is not there."""

    field: str
    before: object
    after: object


@dataclass(frozen=True)
class NodeChange:
    """A KPI, dimension or column. `fields` is empty if it was added or removed."""

    name: str
    what: What
    fields: tuple[FieldChange, ...] = ()


def changes(before: Mapping[str, Raw], after: Mapping[str, Raw]) -> tuple[NodeChange, ...]:
    """Named definitions against each other, by name; equal ones are left out."""
    differing = []
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            differing.append(NodeChange(name, "added"))
        elif name not in after:
            differing.append(NodeChange(name, "removed"))
        elif fields := field_changes(before[name], after[name]):
            differing.append(NodeChange(name, "changed", fields))
    return tuple(differing)


def field_changes(before: Raw, after: Raw) -> tuple[FieldChange, ...]:
    """Leaves that differ. A field that says nothing (null, empty) equals one that is not there."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    paths = [path for path in sorted(old.keys() | new.keys()) if old.get(path) != new.get(path)]
    return tuple(FieldChange(path, old.get(path), new.get(path)) for path in paths)


def _leaves(raw: Raw, path: str = "") -> list[tuple[str, object]]:
    leaves: list[tuple[str, object]] = []
    for key, value in raw.items():
        here = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping):
            leaves += _leaves(value, here)
        elif isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
            leaves += _leaves({_key(v, at): v for at, v in enumerate(value)}, here)
        elif value not in (None, "", []):
            leaves.append((here, value))
    return leaves


def _key(item: Raw, at: int) -> str:
    """Items of a list by alias or name, so that a new item does not shift the others."""
    return str(item.get("alias") or item.get("name") or at)
