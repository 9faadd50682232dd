"""What the directory lets people reach, held against the places and departments that the data have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from api.services.metric_service import MetricService
from governance.identity import Principal
from semantic.errors import SteelyardError

_DIMENSIONS = {
    "regions": "location__region",
    "banners": "location__banner",
    "stores": "location",
    "departments": "product__department",
}
_EVERYTHING = "*"
_MOST_NAMED = 6


@dataclass(frozen=True)
class Mismatch:
    """Names of one kind that the directory gives and the data lack. `is_total`: not one of them is there."""

    kind: str
    unknown: tuple[str, ...]
    in_data: tuple[str, ...]
    is_total: bool

    def sentence(self, owner: str) -> str:
        """`owner` is whose entry it is: "Your directory entry", "planner_east"."""
        return f"{owner} names {_listed(self.unknown)} ({self.kind}); this data has {_listed(self.in_data)}."


def reach_mismatches(metrics: MetricService, person: Principal) -> list[Mismatch]:
    """Where the person's directory entry and the published data differ; nothing for `*` and empty entries.

    Raises ReleaseNotFoundError or ReleaseCorruptError.
    """
    metrics.opened()  # no release at all is not a mismatch
    named = {kind: set(getattr(person, kind)) for kind in _DIMENSIONS}
    return [
        Mismatch(kind, tuple(sorted(unknown)), tuple(sorted(in_data)), unknown == names)
        for kind, names in named.items()
        if names and _EVERYTHING not in names and (in_data := members(metrics)[kind])
        if (unknown := names - in_data)
    ]


def members(metrics: MetricService) -> Mapping[str, frozenset[str]]:
    """By kind of reach, the names that the published data have; none for what they do not record."""
    return {kind: _values(metrics, dimension) for kind, dimension in _DIMENSIONS.items()}


def why_empty(metrics: MetricService, person: Principal | None) -> str:
    """The sentence for a person whose answer is empty because nothing of the data is theirs; else ""."""
    if person is None:
        return ""
    total = (one for one in reach_mismatches(metrics, person) if one.is_total)
    return next((one.sentence("Your directory entry") for one in total), "")


def _values(metrics: MetricService, dimension: str) -> frozenset[str]:
    try:
        rows = metrics.answer(f"SELECT DISTINCT {dimension} AS name FROM metrics", None).table.to_pylist()
    except SteelyardError:
        return frozenset()
    return frozenset(str(row["name"]) for row in rows if row["name"])


def _listed(names: Iterable[str]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - _MOST_NAMED} more" if len(listed) > _MOST_NAMED else ""
    return ", ".join(listed[:_MOST_NAMED]) + more
