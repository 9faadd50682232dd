"""What is on which dashboard: YAML in `specs/`, read into frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

SPECS = Path(__file__).parent / "specs"


class SpecInvalidError(Exception):
    """A dashboard's YAML says something that the generator does not know."""


@dataclass(frozen=True)
class Item:
    """A chart or a text. `metrics` are all that it needs; it appears once they all exist."""

    id: str
    kind: str
    title: str = ""
    text: str = ""
    metrics: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    width: int = 4
    height: int = 0
    why: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """Items side by side, twelve columns in all."""

    items: tuple[Item, ...]


@dataclass(frozen=True)
class DashboardSpec:
    """A dashboard: for whom, over which period, with which filters."""

    slug: str
    title: str
    description: str
    roles: tuple[str, ...]
    period_of: str
    period: str
    filters: tuple[str, ...]
    empty: str
    """What is there before there is anything to show."""
    rows: tuple[Row, ...]

    @property
    def items(self) -> tuple[Item, ...]:
        return tuple(item for row in self.rows for item in row.items)


def load_specs(folder: Path = SPECS) -> tuple[DashboardSpec, ...]:
    """Every dashboard, in the order of its file's name. Raises SpecInvalidError, naming file and place."""
    return tuple(_spec(path) for path in sorted(folder.glob("*.yaml")))


def _spec(path: Path) -> DashboardSpec:
    content = yaml.safe_load(path.read_text())
    try:
        spec = DashboardSpec(
            slug=content["slug"],
            title=content["title"],
            description=content["description"].strip(),
            roles=tuple(content.get("roles", ())),
            period_of=content["period"]["of"],
            period=content["period"]["default"],
            filters=tuple(content.get("filters", ())),
            empty=content.get("empty", ""),
            rows=tuple(_row(row, f"{path.name}, row {at}") for at, row in enumerate(content["rows"], 1)),
        )
    except (KeyError, TypeError) as error:
        raise SpecInvalidError(f"{path.name}: {error} is missing or malformed") from error
    names = [item.id for item in spec.items]
    if twice := {name for name in names if names.count(name) > 1}:
        raise SpecInvalidError(f"{path.name}: used twice: {', '.join(sorted(twice))}")
    return spec


def _row(raw: Mapping[str, Any], where: str) -> Row:
    if "text" in raw:
        options = {"stays": raw.get("stays", False)}
        text = Item(
            raw["id"], "text", text=raw["text"], width=12, height=raw.get("height", 0), options=options
        )
        return Row((text,))
    if "kpis" in raw:
        width = 12 // len(raw["kpis"])
        return Row(tuple(_kpi(kpi, width) for kpi in raw["kpis"]))
    items = tuple(_item(item, where) for item in raw["charts"])
    if sum(item.width for item in items) > 12:
        raise SpecInvalidError(f"{where}: wider than twelve columns")
    return Row(items)


def _kpi(raw: str | Mapping[str, Any], width: int) -> Item:
    given = {"metric": raw} if isinstance(raw, str) else dict(raw)
    metric, title = given.pop("metric"), given.pop("title", "")
    return Item(id=f"kpi_{metric}", kind="kpi", title=title, metrics=(metric,), width=width, options=given)


def _item(raw: Mapping[str, Any], where: str) -> Item:
    given = dict(raw)
    try:
        return Item(
            id=given.pop("id"),
            kind=given.pop("kind"),
            title=given.pop("title"),
            metrics=tuple(given.pop("metrics")),
            by=tuple(given.pop("by", ())),
            width=given.pop("width", 4),
            height=given.pop("height", 0),
            why=given.pop("why", ""),
            options=given,
        )
    except KeyError as error:
        raise SpecInvalidError(f"{where}: {error} is missing") from error
