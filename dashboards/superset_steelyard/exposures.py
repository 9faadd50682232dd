"""Dashboards and charts as dbt exposures, so that lineage tells what a column reaches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from .spec import Board, Item, load_boards

FILE = Path("models") / "exposures_dashboards.yml"
_HEAD = "# Made by `steelyard dashboard exposures` from boards and metrics. Do not edit.\n"
_OWNER = {"name": "Analytics engineering", "email": "analytics-engineering@steelyard.example"}


def defined_metrics(project: Path) -> frozenset[str]:
    """Names of the metrics that the dbt project's YAML defines."""
    found: set[str] = set()
    for path in sorted((project / "models").rglob("*.yml")):
        content = yaml.safe_load(path.read_text()) or {}
        found |= {metric["name"] for metric in content.get("metrics") or ()}
    return frozenset(found)


def exposures(boards: Sequence[Board], metrics: Iterable[str]) -> str:
    """The file. Charts whose metrics are not all defined yet are left out, as they are in Superset."""
    known = frozenset(metrics)
    made: list[dict[str, Any]] = []
    for board in boards:
        shown = [item for item in board.items if item.metrics and known.issuperset(item.metrics)]
        used = sorted({name for item in shown for name in item.metrics})
        if used:
            made.append(_dashboard(board, used))
        made += [_chart(board, item) for item in shown if item.kind != "kpi"]
    return _HEAD + yaml.safe_dump({"version": 2, "exposures": made}, sort_keys=False, width=110)


def write_exposures(project: Path) -> Path:
    """Bring the project's file up to date."""
    path = project / FILE
    path.write_text(exposures(load_boards(), defined_metrics(project)))
    return path


def _dashboard(board: Board, metrics: list[str]) -> dict[str, Any]:
    return {
        "name": f"dashboard_{board.slug}",
        "label": f"Dashboard: {board.title}",
        "type": "dashboard",
        "maturity": "high",
        "description": board.description,
        "owner": dict(_OWNER),
        "depends_on": [f"metric('{name}')" for name in metrics],
    }


def _chart(board: Board, item: Item) -> dict[str, Any]:
    return {
        "name": f"chart_{board.slug}__{item.id}",
        "label": f"Chart: {item.title} ({board.title})",
        "type": "analysis",
        "owner": dict(_OWNER),
        "depends_on": [f"metric('{name}')" for name in sorted(item.metrics)],
    }
