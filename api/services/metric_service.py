"""Metrics and dimensions as consumers read about them, and the application's governed queries."""

from __future__ import annotations

from collections.abc import Mapping

from api.settings import Settings
from governance.disclosure import GroupControl
from governance.errors import NotFoundError
from governance.governed_query import GovernedQueries, OpenReleases, QueryLimits
from governance.identity import Principal
from governance.json_types import JsonDict
from governance.releases import ReleaseStore
from semantic.definitions.catalog import Dimension, Metric
from semantic.errors import UnknownNameError


class MetricService(GovernedQueries):
    """The governed queries of one application, within the limits that its settings name."""

    def __init__(
        self,
        releases: ReleaseStore,
        settings: Settings,
        groups: GroupControl | None = None,
        *,
        isolated: bool = False,
    ) -> None:
        limits = QueryLimits(
            settings.query_max_rows, settings.query_timeout_seconds, settings.query_memory, isolated
        )
        super().__init__(OpenReleases(releases, limits), groups)

    def describe_metrics(self, principal: Principal | None, release_id: str | None = None) -> list[JsonDict]:
        """Every metric that the reader may see, by name."""
        return [_describe(metric) for metric in self.metrics(principal, release_id)]

    def describe_metric(
        self, name: str, principal: Principal | None, release_id: str | None = None
    ) -> JsonDict:
        """One metric. Raises NotFoundError, with the near miss, if it does not exist for this reader."""
        try:
            return _describe(self.metric(name, principal, release_id))
        except UnknownNameError as error:
            raise NotFoundError(error.message, hint=error.hint) from error

    def describe_dimensions(
        self, metrics: list[str], principal: Principal | None, release_id: str | None = None
    ) -> list[JsonDict]:
        """Names that every one of `metrics` can be grouped by."""
        definitions = self.opened(release_id).layer.catalog.dimension_words()
        return [
            _describe_dimension(name, definitions) for name in self.dimensions(metrics, principal, release_id)
        ]


def _describe(metric: Metric) -> JsonDict:
    meta = metric.meta
    return {
        "name": metric.name,
        "label": metric.label or metric.name,
        "description": metric.description,
        "type": metric.kind,
        "unit": str(meta.get("unit", "")),
        "direction": str(meta.get("direction", "")),
        "owner": str(meta.get("owner", "")),
        "certification": str(meta.get("certification", "")),
        "is_simulated": bool(meta.get("is_simulated", False)),
        "target": meta.get("target"),
    }


def _describe_dimension(name: str, definitions: Mapping[str, Dimension]) -> JsonDict:
    """A group-by name: `product__supplier__supplier_name` is the supplier's own dimension, further away."""
    *path, element = name.split("__")
    definition = definitions.get("__".join([*path[-1:], element]))
    label = (
        definition.label
        if definition is not None and definition.label
        else _spoken_label(path, element, definitions)
    )
    is_time = name == "metric_time" or (definition is not None and definition.is_time)
    kind = "time" if is_time else "categorical" if definition is not None else "entity"
    return {
        "name": name,
        "label": label,
        "description": definition.description if definition else "",
        "type": kind,
    }


def _spoken_label(path: list[str], element: str, definitions: Mapping[str, Dimension]) -> str:
    """The element as people say it, with what it belongs to where that is not clear."""
    spoken = element.removeprefix("metric_").replace("_", " ").capitalize()
    owners = {name.split("__")[0] for name in definitions if name.split("__")[-1] == element}
    if path and len({*owners, path[-1]}) > 1:
        return f"{spoken} · {path[-1].replace('_', ' ')}"
    return spoken if len(path) < 2 else f"{spoken} · of the {path[0].replace('_', ' ')}"
