"""Dashboards and charts as dbt exposures, so that lineage says what a column reaches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from .json_types import Json
from .spec import DashboardSpec, Item, load_specs

FILE = Path("models") / "exposures_dashboards.yml"
_HEAD = "# Made by `steelyard dashboard exposures` from the dashboards' specs and metrics. Do not edit.\n"
_OWNER = {"name": "Analytics engineering", "email": "analytics-engineering@steelyard.example"}


def defined_metrics(project: Path) -> frozenset[str]:
    """Names of the metrics that the dbt project's YAML defines."""
    names: set[str] = set()
    for path in sorted((project / "models").rglob("*.yml")):
        content = yaml.safe_load(path.read_text()) or {}
        names |= {metric["name"] for metric in content.get("metrics") or ()}
    return frozenset(names)


def exposures(specs: Sequence[DashboardSpec], metrics: Iterable[str]) -> str:
    """The file. Charts whose metrics are not all defined yet are left out, as they are in Superset."""
    defined = frozenset(metrics)
    entries: list[Json] = []
    for spec in specs:
        drawable = [item for item in spec.items if item.metrics and defined.issuperset(item.metrics)]
        used = sorted({name for item in drawable for name in item.metrics})
        if used:
            entries.append(_dashboard(spec, used))
        entries += [_chart(spec, item) for item in drawable if item.kind != "kpi"]
    return _HEAD + yaml.safe_dump({"version": 2, "exposures": entries}, sort_keys=False, width=110)


def write_exposures(project: Path) -> Path:
    """Bring the project's file up to date."""
    path = project / FILE
    path.write_text(exposures(load_specs(), defined_metrics(project)))
    return path


def _dashboard(spec: DashboardSpec, metrics: list[str]) -> Json:
    return {
        "name": f"dashboard_{spec.slug}",
        "label": f"Dashboard: {spec.title}",
        "type": "dashboard",
        "maturity": "high",
        "description": spec.description,
        "owner": dict(_OWNER),
        "depends_on": [f"metric('{name}')" for name in metrics],
    }


def _chart(spec: DashboardSpec, item: Item) -> Json:
    return {
        "name": f"chart_{spec.slug}__{item.id}",
        "label": f"Chart: {item.title} ({spec.title})",
        "type": "analysis",
        "owner": dict(_OWNER),
        "depends_on": [f"metric('{name}')" for name in sorted(item.metrics)],
    }
