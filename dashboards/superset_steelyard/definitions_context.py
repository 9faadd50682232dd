"""What the definitions say, as far as charts need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .definitions import label_of
from .json_types import Dimension, Metric
from .periods import Recorded

TIME = "metric_time"


@dataclass(frozen=True)
class DefinitionsContext:
    """Metrics and dimensions by name, the days that have data, and where review and lineage are."""

    metrics: Mapping[str, Metric]
    dimensions: Mapping[str, Dimension]
    reach: Mapping[str, frozenset[str]]
    """By metric: the dimensions that it can be grouped and filtered by."""
    recorded: Recorded
    metrics_without_data: frozenset[str] = frozenset()
    """Metrics that nothing has been recorded for yet."""
    house: Recorded | None = None
    """Days of recorded sales, if the dashboard counts other days."""
    colours: Mapping[str, str] = field(default_factory=dict)
    """By value: regions have the same colour everywhere."""
    review_url: str = ""
    lineage_url: str = ""

    def label(self, name: str) -> str:
        definition = self.metrics.get(name) or self.dimensions.get(name) or {}
        return str(definition.get("label") or label_of(name))
