"""Which models differ: their columns as the contract declares them, and the SQL that fills them."""

from __future__ import annotations

from dataclasses import dataclass

from governance.json_types import JsonDict
from governance.releases.diff.changes import NodeChange, Raw, What, changes

TEXT_FIELDS = frozenset({"description"})  # a change of words alone moves no number


@dataclass(frozen=True)
class ModelChange:
    """One dbt model. `layer` is its first folder: staging, intermediate, marts or features.

    `sql_changed` is also true if only a macro that the model uses was changed.
    """

    name: str
    layer: str
    what: What
    sql_changed: bool
    columns: tuple[NodeChange, ...]

    @property
    def may_move_numbers(self) -> bool:
        """False if nothing but words changed."""
        only_words = all(
            c.what == "changed" and {f.field for f in c.fields} <= TEXT_FIELDS for c in self.columns
        )
        return self.what != "changed" or self.sql_changed or not only_words


def model_changes(before: Raw, after: Raw) -> tuple[ModelChange, ...]:
    """Models of two manifests.json against each other, by name; equal ones are left out."""
    old, new = _models(before), _models(after)
    changed = []
    for name in sorted(old.keys() | new.keys()):
        node = new.get(name) or old[name]
        layer = node["fqn"][1] if len(node["fqn"]) > 2 else ""
        if name not in old or name not in new:
            what: What = "added" if name not in old else "removed"
            changed.append(ModelChange(name, layer, what, True, ()))
            continue
        columns = changes(_columns(old[name]), _columns(new[name]))
        sql = _sql(before, old[name]) != _sql(after, new[name])
        if sql or columns:
            changed.append(ModelChange(name, layer, "changed", sql, columns))
    return tuple(changed)


def _models(manifest: Raw) -> dict[str, Raw]:
    """By name, with the version if it has one: `dim_product`, `dim_product.v2`."""
    nodes = manifest["nodes"].items()
    return {unique_id.split(".", 2)[2]: n for unique_id, n in nodes if n["resource_type"] == "model"}


def _columns(node: Raw) -> dict[str, JsonDict]:
    return {
        name: {
            "data_type": column.get("data_type"),
            "description": column.get("description"),
            "constraints": sorted(c["type"] for c in column.get("constraints") or ()),
            "meta": (column.get("config") or {}).get("meta"),
        }
        for name, column in node["columns"].items()
    }


def _sql(manifest: Raw, node: Raw) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The model's own code and that of every macro below it. Compiled SQL would differ by folder names."""
    macros: dict[str, str] = {}
    waiting = list((node.get("depends_on") or {}).get("macros") or ())
    while waiting:
        name = waiting.pop()
        if name not in macros and name in manifest["macros"]:
            macros[name] = manifest["macros"][name]["macro_sql"]
            waiting += (manifest["macros"][name].get("depends_on") or {}).get("macros") or ()
    return node["raw_code"], tuple(sorted(macros.items()))
