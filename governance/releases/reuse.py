"""What a new release reuses of an old one, and what it must build."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import duckdb

from governance.json_types import JsonDict, JsonObject
from governance.releases.layout import STATE, Release
from governance.releases.node_keys import NodeKey
from semantic.sql.quoting import identifier

Manifest: TypeAlias = JsonObject
_STORED = ("model", "seed", "snapshot")


@dataclass(frozen=True)
class BuildState:
    """How a release came about. Node ids are dbt's; `based_on` is None for a build from nothing."""

    keys: Mapping[str, NodeKey]
    based_on: str | None = None
    built: tuple[str, ...] = ()
    reused: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    @classmethod
    def read(cls, release: Release) -> BuildState | None:
        """None for a release that was built before states were kept."""
        path = release.path / STATE
        if not path.exists():
            return None
        body = json.loads(path.read_text())
        return cls(
            keys={uid: NodeKey(**key) for uid, key in body["keys"].items()},
            based_on=body["based_on"],
            built=tuple(body["built"]),
            reused=tuple(body["taken_over"]),
            dropped=tuple(body["dropped"]),
        )

    def write(self, folder: Path) -> None:
        body = {
            "based_on": self.based_on,
            "built": self.built,
            "taken_over": self.reused,
            "dropped": self.dropped,
            "keys": {uid: key.as_dict() for uid, key in self.keys.items()},
        }
        (folder / STATE).write_text(json.dumps(body, indent=1) + "\n")

    def summary(self) -> JsonDict:
        """Plain data for people: the models by name, the tests by number."""
        return {
            "based_on": self.based_on,
            "models_built": models(self.built),
            "models_taken_over": models(self.reused),
            "models_dropped": models(self.dropped),
            "tests_run": _tests(self.built),
            "tests_taken_over": _tests(self.reused),
        }


def models(nodes: Iterable[str]) -> list[str]:
    """Names of the models, seeds and snapshots among dbt's ids; of a versioned model `name.v2`."""
    return sorted(uid.split(".", 2)[2] for uid in nodes if uid.split(".", 1)[0] in _STORED)


def _tests(nodes: Sequence[str]) -> int:
    return sum(uid.startswith(("test.", "unit_test.")) for uid in nodes)


@dataclass(frozen=True)
class Plan:
    """`keep` is reused from `base`, `build` is built and tested, `drop` is gone from the project."""

    base: Release
    keep: frozenset[str]
    build: tuple[str, ...]
    drop: tuple[str, ...]


def best_plan(releases: Iterable[Release], manifest: Manifest, keys: Mapping[str, NodeKey]) -> Plan | None:
    """The plan that reuses most, of the newest if several do; None if nothing can be reused."""
    best: Plan | None = None
    for release in releases:
        state = BuildState.read(release)
        if state is None:
            continue
        keep = frozenset(uid for uid in keys if _holds(manifest, uid, state.keys.get(uid), keys[uid]))
        if keep and (best is None or len(keep) >= len(best.keep)):
            build = tuple(uid for uid in keys if uid not in keep)
            best = Plan(release, keep, build, tuple(sorted(state.keys.keys() - keys.keys())))
    return best


def _holds(manifest: Manifest, uid: str, before: NodeKey | None, now: NodeKey) -> bool:
    if before is None or before.content != now.content:
        return False
    node = manifest["nodes"].get(uid)
    is_view = node is not None and node["config"].get("materialized") == "view"
    return not is_view or before.statement == now.statement


def copy_reused(plan: Plan, manifest: Manifest, warehouse: Path) -> None:
    """The base's warehouse with only the relations that are reused; the space of the rest is free."""
    warehouse.unlink(missing_ok=True)
    shutil.copyfile(plan.base.warehouse, warehouse)
    reused_relations = {
        (node["schema"], node["alias"])
        for uid in plan.keep
        if (node := manifest["nodes"].get(uid)) is not None and node["resource_type"] in _STORED
    }
    with duckdb.connect(str(warehouse)) as connection:
        relations = connection.execute(
            "SELECT table_schema, table_name, table_type FROM information_schema.tables "
            "WHERE table_catalog = current_database()"
        ).fetchall()
        for schema, name, kind in relations:
            if (schema, name) not in reused_relations:
                what = "VIEW" if kind == "VIEW" else "TABLE"
                connection.execute(f"DROP {what} {identifier(schema)}.{identifier(name)}")
        schemas = (
            {schema for schema, _, _ in relations} - {schema for schema, _ in reused_relations} - {"main"}
        )
        for schema in sorted(schemas):
            connection.execute(f"DROP SCHEMA {identifier(schema)}")
        connection.execute("CHECKPOINT")


def selectors(manifest: Manifest, nodes: Iterable[str]) -> list[str]:
    """dbt's selectors of exactly these nodes: a path alone would also select what lies below it."""
    everything = {**manifest["nodes"], **manifest.get("unit_tests", {})}
    return [
        f"fqn:{'.'.join(everything[uid]['fqn'])},resource_type:{everything[uid]['resource_type']}"
        for uid in nodes
    ]


def merged_results(fresh: JsonDict, base: Release, keep: frozenset[str]) -> JsonDict:
    """dbt's run results of the whole release: of what was reused, those of the run that built it."""
    ran = {result["unique_id"] for result in fresh["results"]}
    before = json.loads(base.run_results.read_text())["results"]
    carried = [r for r in before if r["unique_id"] in keep and r["unique_id"] not in ran]
    return {**fresh, "results": [*fresh["results"], *carried]}
