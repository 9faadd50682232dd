"""What policy needs to know about metrics and dimensions: the tags of dbt's `config.meta`, and their reach.

Read from the semantic manifest of a release. A metric inherits the strictest tag of everything that it is
computed from, so that a derived metric never shows what its inputs may not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from governance.errors import PolicyBrokenError
from governance.json_types import JsonObject

PII = ("none", "quasi_identifier", "pseudonym", "identifier")
CUSTOMER = "customer"


@dataclass(frozen=True)
class Tags:
    """pii: none, quasi_identifier, pseudonym or identifier. purpose: the one that is demanded, or None."""

    pii: str = "none"
    margin_sensitive: bool = False
    supplier_terms: bool = False
    purpose: str | None = None

    def __or__(self, other: Tags) -> Tags:
        """The stricter of both. Raises PolicyBrokenError when two purposes are demanded at once."""
        if self.purpose and other.purpose and self.purpose != other.purpose:
            raise PolicyBrokenError(f"one metric demands two purposes: {self.purpose} and {other.purpose}")
        return Tags(
            max(self.pii, other.pii, key=PII.index),
            self.margin_sensitive or other.margin_sensitive,
            self.supplier_terms or other.supplier_terms,
            self.purpose or other.purpose,
        )

    @classmethod
    def of(cls, node: JsonObject, default_pii: str = "none") -> Tags:
        """From a node of the manifest. A tag with a value we don't know counts as the strictest."""
        meta = dict((node.get("config") or {}).get("meta") or {})
        pii = meta.get("pii", default_pii)
        pii = (
            {True: "identifier", False: "none", None: "none"}.get(pii, pii)
            if not isinstance(pii, str)
            else pii
        )
        purpose = meta.get("purpose")
        return cls(
            pii if pii in PII else "identifier",
            bool(meta.get("margin_sensitive", meta.get("margin-sensitive", False))),
            bool(meta.get("supplier_terms", False)),
            None if purpose is None else str(purpose),
        )


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

    def __hash__(self) -> int:
        return id(self)

    @classmethod
    def from_manifest(cls, manifest: Path | JsonObject) -> TaggedCatalog:
        """From dbt's semantic_manifest.json, in either form.

        Raises PolicyBrokenError when it cannot be read.
        """
        try:
            content = json.loads(manifest.read_text()) if isinstance(manifest, Path) else manifest
            models = {model["name"]: model for model in content["semantic_models"]}
            metrics = {metric["name"]: metric for metric in content["metrics"]}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PolicyBrokenError(f"the semantic manifest cannot be read for its tags: {error}") from error
        owners = {measure["name"]: name for name, m in models.items() for measure in m.get("measures") or ()}
        measures = {x["name"]: Tags.of(x) for m in models.values() for x in m.get("measures") or ()}
        walk = _Walk(models, metrics, owners, measures)
        return cls(
            {name: walk.tags(name) for name in metrics},
            {name: walk.entities(name) for name in metrics},
            _dimension_tags(models.values()),
            _entity_dimensions(models.values()),
        )

    @cached_property
    def purposes(self) -> Mapping[str, str]:
        """Names that demand a purpose, and which."""
        tagged = {**self.metrics, **self.dimensions}
        return {name: tags.purpose for name, tags in tagged.items() if tags.purpose}

    def is_about_customers(self, name: str) -> bool:
        """Whether a metric, dimension or filter text touches single households."""
        tags = self.metrics.get(name) or self.dimensions.get(name)
        text = name.lower()  # a dimension may be written alone, by another path, in another case
        return (
            CUSTOMER in text
            or any(own in text for own in self.entity_dimensions.get(CUSTOMER, ()))
            or (tags is not None and (tags.pii != "none" or tags.purpose is not None))
        )


@dataclass(frozen=True)
class _Walk:
    models: Mapping[str, JsonObject]
    metrics: Mapping[str, JsonObject]
    owners: Mapping[str, str]
    measures: Mapping[str, Tags]

    def tags(self, name: str, above: tuple[str, ...] = ()) -> Tags:
        metric = self.metrics[name]
        tags = Tags.of(metric)
        for measure in _measures(metric):
            tags |= self.measures.get(measure, Tags())
        for child in self._children(metric, above):
            tags |= self.tags(child, (*above, name))
        return tags

    def entities(self, name: str, above: tuple[str, ...] = ()) -> frozenset[str]:
        metric = self.metrics[name]
        parts = [_entities(self.models[model]) for model in self._own_models(metric)]
        parts += [self.entities(child, (*above, name)) for child in self._children(metric, above)]
        return frozenset.intersection(*parts) if parts else frozenset()

    def _own_models(self, metric: JsonObject) -> list[str]:
        aggregation = (metric.get("type_params") or {}).get("metric_aggregation_params") or {}
        named = [aggregation["semantic_model"]] if aggregation.get("semantic_model") else []
        return [*named, *(self.owners[m] for m in _measures(metric) if m in self.owners)]

    def _children(self, metric: JsonObject, above: tuple[str, ...]) -> list[str]:
        names = [name for name in _referenced(metric.get("type_params") or {}) if name in self.metrics]
        return [name for name in names if name not in (*above, metric["name"])]


def _referenced(params: JsonObject) -> list[str]:
    """Names of the metrics that a metric is computed from."""
    inner = (params.get("cumulative_type_params") or {}, params.get("conversion_type_params") or {})
    inputs = [*(params.get("metrics") or []), params.get("numerator"), params.get("denominator")]
    inputs += [part.get(key) for part in inner for key in ("metric", "base_metric", "conversion_metric")]
    return [entry["name"] if isinstance(entry, Mapping) else str(entry) for entry in inputs if entry]


def _measures(metric: JsonObject) -> list[str]:
    params = metric.get("type_params") or {}
    conversion = params.get("conversion_type_params") or {}
    inputs = [params.get("measure"), *(params.get("input_measures") or [])]
    inputs += [conversion.get("base_measure"), conversion.get("conversion_measure")]
    return [entry["name"] if isinstance(entry, Mapping) else str(entry) for entry in inputs if entry]


def _entities(model: JsonObject) -> frozenset[str]:
    own = {model["primary_entity"]} if model.get("primary_entity") else set()
    return frozenset({entity["name"] for entity in model.get("entities") or ()} | own)


def _primary(model: JsonObject) -> str | None:
    keys = [e["name"] for e in model.get("entities") or () if e["type"] == "primary"]
    return keys[0] if keys else model.get("primary_entity")


def _dimension_tags(models: Iterable[JsonObject]) -> dict[str, Tags]:
    tags: dict[str, Tags] = {}
    for model in models:
        prefix = _primary(model)
        for dimension in model.get("dimensions") or ():
            name = f"{prefix}__{dimension['name']}" if prefix else dimension["name"]
            tags[name] = tags.get(name, Tags()) | Tags.of(dimension)
        for entity in model.get("entities") or ():
            # A household's number is a pseudonym whether or not anybody tagged it.
            default = "pseudonym" if entity["name"] == CUSTOMER else "none"
            tags[entity["name"]] = tags.get(entity["name"], Tags()) | Tags.of(entity, default)
    return tags


def _entity_dimensions(models: Iterable[JsonObject]) -> dict[str, frozenset[str]]:
    dimensions: dict[str, set[str]] = {}
    for model in models:
        for entity in model.get("entities") or ():
            if entity["type"] in ("primary", "unique"):
                names = {dimension["name"] for dimension in model.get("dimensions") or ()}
                dimensions.setdefault(entity["name"], set()).update(names | {entity["name"]})
    return {entity: frozenset(names) for entity, names in dimensions.items()}
