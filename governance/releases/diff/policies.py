"""What policy will decide otherwise: tags of KPIs and dimensions, inherited ones included."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from governance.json_types import JsonDict
from governance.policy.tagged_catalog import TaggedCatalog
from governance.policy.tags import Tags
from governance.releases.diff.changes import Raw


@dataclass(frozen=True)
class TagChange:
    """`kind`: kpi or dimension. Tags that are set, by name; None if the release does not have it."""

    kind: str
    name: str
    before: JsonDict | None
    after: JsonDict | None

    @property
    def changed(self) -> bool:
        """Whether policy sees another thing than before."""
        return self.before != self.after


def policies_reached(before: Raw, after: Raw, kpis: Iterable[str]) -> tuple[TagChange, ...]:
    """Every tag that changed, and the tags of `kpis` whose definition or data changed under them."""
    old, new = TaggedCatalog.from_manifest(before), TaggedCatalog.from_manifest(after)
    tag_changes = [
        TagChange(kind, name, _set(a.get(name)), _set(b.get(name)))
        for kind, a, b in (("kpi", old.metrics, new.metrics), ("dimension", old.dimensions, new.dimensions))
        for name in sorted(a.keys() | b.keys())
    ]
    wanted = set(kpis)
    return tuple(t for t in tag_changes if _matters(t) or (t.kind == "kpi" and t.name in wanted and t.after))


def _matters(tags: TagChange) -> bool:
    """An untagged KPI that comes or goes changes nothing for policy."""
    return tags.changed and bool(tags.before or tags.after)


def _set(tags: Tags | None) -> JsonDict | None:
    if tags is None:
        return None
    return {name: value for name, value in asdict(tags).items() if value not in (None, False, "none")}
