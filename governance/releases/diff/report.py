"""Put the parts of a diff together."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from governance.json_types import JsonDict
from governance.releases.diff.changes import NodeChange, Raw, changes
from governance.releases.diff.columns import ModelChange, model_changes
from governance.releases.diff.definitions import dimension_definitions, kpi_definitions
from governance.releases.diff.movement import Answer, KpiMovement, movements
from governance.releases.diff.policies import TagChange, policies_reached
from governance.releases.diff.reach import Reached, reached
from governance.releases.layout import Release


@dataclass(frozen=True)
class ReleaseDiff:
    """From release `before` to release `after`. `compared` is the number of KPIs that both have."""

    before: str
    after: str
    kpis: tuple[NodeChange, ...]
    dimensions: tuple[NodeChange, ...]
    models: tuple[ModelChange, ...]
    reaches: tuple[Reached, ...]
    policies: tuple[TagChange, ...]
    moved: tuple[KpiMovement, ...]
    compared: int

    def as_dict(self) -> JsonDict:
        """JSON-ready form; months carry the change and its share of the value before."""
        body = asdict(self)
        body["policies"] = [asdict(t) | {"changed": t.changed} for t in self.policies]
        body["moved"] = [
            {
                "name": kpi.name,
                "problem": kpi.problem,
                "months": [asdict(m) | {"change": m.change, "share": m.share} for m in kpi.months],
            }
            for kpi in self.moved
        ]
        return body


def diff_releases(before: Release, after: Release, answer: Answer) -> ReleaseDiff:
    """Compare definitions, follow what they reach, and ask both releases for every KPI they share."""
    old, new = _read(before.manifest), _read(after.manifest)
    old_semantic, new_semantic = _read(before.semantic_manifest), _read(after.semantic_manifest)
    kpis_before, kpis_after = kpi_definitions(old_semantic), kpi_definitions(new_semantic)
    kpis = changes(kpis_before, kpis_after)
    dimensions = changes(dimension_definitions(old_semantic), dimension_definitions(new_semantic))
    models = model_changes(old, new)
    roots = _roots(old, new, kpis, dimensions, models)
    reaches = reached(old, new, roots)
    touched = {k.name for k in kpis} | {r.name for r in reaches if r.kind == "kpi"}
    shared = sorted(kpis_before.keys() & kpis_after.keys())
    return ReleaseDiff(
        before=before.release_id,
        after=after.release_id,
        kpis=kpis,
        dimensions=dimensions,
        models=models,
        reaches=reaches,
        policies=policies_reached(old_semantic, new_semantic, touched),
        moved=movements(shared, before.release_id, after.release_id, answer),
        compared=len(shared),
    )


def _roots(
    old: Raw,
    new: Raw,
    kpis: tuple[NodeChange, ...],
    dimensions: tuple[NodeChange, ...],
    models: tuple[ModelChange, ...],
) -> dict[str, str]:
    """Unique ids of what changed, each with the name that the report gives it."""
    changed = {
        "metric": {k.name for k in kpis},
        "model": {m.name for m in models if m.may_move_numbers},
        # A dimension that is new reaches nothing that was there.
        "semantic_model": {d.name.partition(".")[0] for d in dimensions if d.what != "added"},
    }
    roots = {}
    for unique_id in [node for manifest in (old, new) for node in manifest["child_map"]]:
        kind, _, name = unique_id.split(".", 2)
        if name in changed.get(kind, ()):
            roots[unique_id] = name
    return roots


def _read(path: Path) -> JsonDict:
    return dict(json.loads(path.read_text(encoding="utf-8")))
