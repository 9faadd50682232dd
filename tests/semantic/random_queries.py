"""Random metric queries over any manifest, in the names and filter templates that dbt's tools share."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from semantic import SemanticLayer
from semantic.definitions.catalog import Model
from semantic.query.resolve import Resolver

STANDARD = ["day", "day", "week", "month", "month", "quarter", "year"]
PARTS = ["year", "quarter", "month", "day", "dow", "doy"]
RANGES = [("2019-12-20", "2020-02-10"), ("2020-01-01", "2020-01-31"), ("2020-01-15", "2020-01-15")]


@dataclass
class Generator:
    """Queries over one layer. `custom`: calendars of its own that metric_time may be shown by."""

    rng: random.Random
    layer: SemanticLayer

    def __post_init__(self) -> None:
        self.custom = list(self.layer.catalog.custom_grains)
        self.resolver = Resolver(self.layer.catalog)
        self.models = list(self.layer.catalog.models.values())

    def query(self, metrics: list[str]) -> dict[str, Any]:
        """One to three of the metrics by up to three keys, filtered, ordered and limited now and then."""
        rng = self.rng
        chosen = rng.sample(metrics, min(len(metrics), rng.choice([1, 1, 1, 2, 2, 3])))
        others = [d for d in self.layer.dimensions(chosen) if d != "metric_time"]
        group_by = [
            *self._times(),
            *(
                self._group_by_name(d)
                for d in rng.sample(others, min(len(others), rng.choice([0, 0, 1, 1, 2])))
            ),
        ]
        group_by = list(dict.fromkeys(group_by))
        query: dict[str, Any] = {
            "metrics": chosen,
            "group_by": group_by,
            "where": self._filters(chosen, others),
        }
        if rng.random() < 0.25 and any(
            g.startswith("metric_time__") and "extract" not in g for g in group_by
        ):
            query["time_constraint"] = rng.choice(RANGES)
        if rng.random() < 0.2:
            query["order_by"] = [rng.choice(["", "-"]) + name for name in (*group_by, *chosen)]
            query["limit"] = rng.choice([None, 0, 1, 5])
        return query

    def values(self) -> dict[str, Any]:
        """A query without metrics: what values one or two dimensions have."""
        names = [d for d in self.layer.dimensions() if "__" in d]  # whose values a bare key shows is a choice
        return {"metrics": [], "group_by": [self._group_by_name(self.rng.choice(names))], "where": []}

    def _times(self) -> list[str]:
        roll = self.rng.random()
        if roll < 0.2:
            return []
        if roll < 0.3:
            return [f"metric_time__extract_{self.rng.choice(PARTS)}"]
        if roll < 0.4 and self.custom:
            return [f"metric_time__{self.rng.choice(self.custom)}"]
        if roll < 0.5:
            return [f"metric_time__{g}" for g in self.rng.sample(["day", "week", "month", "year"], 2)]
        return [f"metric_time__{self.rng.choice(STANDARD)}"]

    def _is_time(self, name: str) -> bool:
        from semantic.query.request import dunder

        item = dunder(name, ())
        for model in self.models:
            resolved = self._find(model, item)
            if resolved is not None:
                return resolved.dimension is not None and resolved.dimension.is_time
        return False

    def _find(self, model: Model, item: Any) -> Any:
        from semantic.definitions.restriction import NO_RESTRICTION

        try:
            return self.resolver.find(model, item, NO_RESTRICTION)
        except Exception:
            return None

    def _group_by_name(self, name: str) -> str:
        """A dimension; a time dimension at a grain or as a part."""
        if not self._is_time(name):
            return name
        roll = self.rng.random()
        if roll < 0.15:
            return f"{name}__extract_{self.rng.choice(PARTS)}"
        return f"{name}__{self.rng.choice(STANDARD)}" if roll < 0.8 else name

    def _filters(self, metrics: list[str], others: list[str]) -> list[str]:
        filters = []
        for _ in range(self.rng.choice([0, 0, 0, 1, 1, 2])):
            text = self._filter(metrics, others)
            if text:
                filters.append(text)
        return filters

    def _filter(self, metrics: list[str], others: list[str]) -> str:  # noqa: PLR0911 - one case a kind
        rng = self.rng
        roll = rng.random()
        if roll < 0.3:
            grain, sign = rng.choice(["day", "week", "month"]), rng.choice([">=", "<", "<>"])
            return f"{{{{ TimeDimension('metric_time', '{grain}') }}}} {sign} '2020-01-0{rng.choice([1, 6])}'"
        if not others:
            return ""
        name = rng.choice(others)
        if name.count("__") > 1:
            return ""
        if self._is_time(name):
            return f"{{{{ TimeDimension('{name}', 'month') }}}} >= '2020-01-01'"
        if name.count("__") == 0:
            sign = rng.choice(["IS NOT NULL", "IS NULL", "<> 'k1'"])
            return f"{{{{ Entity('{name}') }}}} {sign}"
        element = name.split("__")[-1]
        if element.startswith("is_"):
            return f"{{{{ Dimension('{name}') }}}}"
        return f"{{{{ Dimension('{name}') }}}} {rng.choice(['IS NOT NULL', 'IS NULL'])}"
