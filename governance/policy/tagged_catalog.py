"""What policy needs to know about metrics and dimensions: their tags, and what restricts them.

Read from the manifests of a release. A metric inherits the strictest tag of everything that it is computed
from, so that a derived metric never shows what its inputs may not; so do entities and dimensions of columns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from governance.errors import PolicyBrokenError
from governance.json_types import JsonObject
from governance.policy.column_tags import ColumnTags, inherited
from governance.policy.tagged_models import People, Raw, TaggedModel, entity_names, expression, tagged_models
from governance.policy.tags import Tags
from semantic import UsedName

_COUNTS = ("count", "count_distinct", "sum_boolean")


@dataclass(frozen=True)
class Personal:
    """The names that say something about single households: metrics, and dimensions and entities.

    `keys`: entities by which joins lead to something about a household.
    """

    metrics: frozenset[str] = frozenset()
    dimensions: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True)
class TaggedCatalog:
    """Tags by name, and which entities can restrict what.

    `metric_entities`: entities held by every model behind the metric. `entity_dimensions`: dimensions of
    the model that has the entity as its key, which row rules may speak of.
    """

    metrics: Mapping[str, Tags]
    metric_entities: Mapping[str, frozenset[str]]
    dimensions: Mapping[str, Tags]
    entity_dimensions: Mapping[str, frozenset[str]]
    personal: Personal = field(default_factory=Personal)

    def __hash__(self) -> int:
        return id(self)

    @classmethod
    def from_manifest(cls, manifest: Path | JsonObject, columns: ColumnTags | None = None) -> TaggedCatalog:
        """From dbt's semantic_manifest.json, in either form. Raises PolicyBrokenError when it cannot be read.

        `columns`: tags of columns; by default those of the release in whose folder the manifest is.
        """
        try:
            content = json.loads(manifest.read_text()) if isinstance(manifest, Path) else manifest
            models = {model["name"]: model for model in content["semantic_models"]}
            metrics = {metric["name"]: metric for metric in content["metrics"]}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PolicyBrokenError(f"The semantic manifest cannot be read for its tags: {error}.") from error
        if columns is None:
            columns = ColumnTags.beside(manifest) if isinstance(manifest, Path) else ColumnTags()
        tagged, people = tagged_models(models, columns)
        walk = _Walk(tagged, metrics, _measures_by_name(tagged), people)
        dimensions = _dimension_tags(tagged.values(), people)
        personal = Personal(
            frozenset(name for name in metrics if walk.is_personal(name)),
            _personal_dimensions(tagged.values(), dimensions),
            people.built,
        )
        return cls(
            {name: walk.tags(name) for name in metrics},
            {name: walk.entities(name) for name in metrics},
            dimensions,
            _entity_dimensions(models.values()),
            personal,
        )

    @cached_property
    def purposes(self) -> Mapping[str, str]:
        """Names that demand a purpose, and which."""
        tagged = {**self.metrics, **self.dimensions}
        return {name: tags.purpose for name, tags in tagged.items() if tags.purpose}

    def tags_of(self, name: UsedName) -> Tags:
        """The tags of a metric, dimension or entity; none of what the definitions do not have."""
        return (self.metrics if name.kind == "metric" else self.dimensions).get(name.name, Tags())

    def is_personal(self, name: UsedName) -> bool:
        """Whether a name says something about single households, itself or by the joins to it."""
        own = self.personal.metrics if name.kind == "metric" else self.personal.dimensions
        return name.name in own or not self.personal.keys.isdisjoint(name.path)


@dataclass(frozen=True)
class _Measure:
    """What is aggregated of one model."""

    model: TaggedModel
    node: Raw
    expr: str
    agg: str

    def tags(self) -> Tags:
        """Its own tags, and those of its columns. A count of households shows no household."""
        read = inherited(self.expr, self.model.columns)
        counted = replace(read, pii="none") if self.agg in _COUNTS else read
        return Tags.of(self.node) | counted

    def is_personal(self) -> bool:
        return self.model.is_of_people or inherited(self.expr, self.model.columns).is_personal


@dataclass(frozen=True)
class _Walk:
    models: Mapping[str, TaggedModel]
    metrics: Mapping[str, Raw]
    measures: Mapping[str, _Measure]
    people: People

    def tags(self, name: str, above: tuple[str, ...] = ()) -> Tags:
        metric = self.metrics[name]
        tags = Tags.of(metric)
        for measure in self._measures(metric):
            tags |= measure.tags()
        for child in self._children(metric, above):
            tags |= self.tags(child, (*above, name))
        return tags

    def entities(self, name: str, above: tuple[str, ...] = ()) -> frozenset[str]:
        metric = self.metrics[name]
        parts = [entity_names(measure.model.raw) for measure in self._measures(metric)]
        parts += [self.entities(child, (*above, name)) for child in self._children(metric, above)]
        return frozenset.intersection(*parts) if parts else frozenset()

    def is_personal(self, name: str, above: tuple[str, ...] = ()) -> bool:
        metric = self.metrics[name]
        conversion = (metric.get("type_params") or {}).get("conversion_type_params") or {}
        return (
            self.tags(name).is_personal
            or conversion.get("entity") in self.people.built
            or any(measure.is_personal() for measure in self._measures(metric))
            or any(self.is_personal(child, (*above, name)) for child in self._children(metric, above))
        )

    def _measures(self, metric: Raw) -> list[_Measure]:
        """The measures of the older form, and the aggregation that the newer form writes into the metric."""
        measures = [self.measures[name] for name in _referenced_measures(metric) if name in self.measures]
        params = metric.get("type_params") or {}
        own = params.get("metric_aggregation_params") or {}
        if own.get("semantic_model"):
            expr = str(params.get("expr") or metric["name"])
            measures.append(
                _Measure(self.models[own["semantic_model"]], {}, expr, str(own.get("agg")).lower())
            )
        return measures

    def _children(self, metric: Raw, above: tuple[str, ...]) -> list[str]:
        names = [
            name for name in _referenced_metrics(metric.get("type_params") or {}) if name in self.metrics
        ]
        return [name for name in names if name not in (*above, metric["name"])]


def _measures_by_name(models: Mapping[str, TaggedModel]) -> dict[str, _Measure]:
    return {
        measure["name"]: _Measure(model, measure, expression(measure), str(measure.get("agg")).lower())
        for model in models.values()
        for measure in model.raw.get("measures") or ()
    }


def _referenced_metrics(params: Raw) -> list[str]:
    """Names of the metrics that a metric is computed from."""
    inner = (params.get("cumulative_type_params") or {}, params.get("conversion_type_params") or {})
    inputs = [*(params.get("metrics") or []), params.get("numerator"), params.get("denominator")]
    inputs += [part.get(key) for part in inner for key in ("metric", "base_metric", "conversion_metric")]
    return [entry["name"] if isinstance(entry, Mapping) else str(entry) for entry in inputs if entry]


def _referenced_measures(metric: Raw) -> list[str]:
    params = metric.get("type_params") or {}
    conversion = params.get("conversion_type_params") or {}
    inputs = [params.get("measure"), *(params.get("input_measures") or [])]
    inputs += [conversion.get("base_measure"), conversion.get("conversion_measure")]
    return [entry["name"] if isinstance(entry, Mapping) else str(entry) for entry in inputs if entry]


def _dimension_tags(models: Iterable[TaggedModel], people: People) -> dict[str, Tags]:
    """Tags of dimensions by `entity__dimension`, and of entities by their name."""
    tags: dict[str, Tags] = {}
    for model in models:
        for dimension in model.raw.get("dimensions") or ():
            name = _dimension_name(model, dimension)
            tags[name] = tags.get(name, Tags()) | model.tags(dimension)
    return {**tags, **people.entities}


def _personal_dimensions(models: Iterable[TaggedModel], tags: Mapping[str, Tags]) -> frozenset[str]:
    """Whatever is tagged as personal, and all that models of people say of theirs."""
    described = {
        _dimension_name(model, dimension)
        for model in models
        if model.is_of_people
        for dimension in model.raw.get("dimensions") or ()
    }
    return frozenset(described | {name for name, tag in tags.items() if tag.is_personal})


def _dimension_name(model: TaggedModel, dimension: Raw) -> str:
    return f"{model.prefix}__{dimension['name']}" if model.prefix else str(dimension["name"])


def _entity_dimensions(models: Iterable[Raw]) -> dict[str, frozenset[str]]:
    dimensions: dict[str, set[str]] = {}
    for model in models:
        for entity in model.get("entities") or ():
            if entity["type"] in ("primary", "unique"):
                names = {dimension["name"] for dimension in model.get("dimensions") or ()}
                dimensions.setdefault(entity["name"], set()).update(names | {entity["name"]})
    return {entity: frozenset(names) for entity, names in dimensions.items()}
