"""What exists: models, entities, dimensions, measures and metrics, as frozen records.

Both forms of dbt's manifest load into the same records, so nothing downstream knows which one was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..ast.grains import RANK, Window
from .duplicate_keys import DuplicateKeys
from .time_zone import UTC


@dataclass(frozen=True, slots=True)
class Entity:
    """A key of a model. kind: primary, unique, natural (valid for a period) or foreign."""

    name: str
    kind: str
    expr: str


@dataclass(frozen=True, slots=True)
class Dimension:
    """A property of a model's rows. `grain` is set for time dimensions; validity is 'start' or 'end'."""

    name: str
    expr: str
    grain: str | None = None
    is_partition: bool = False
    validity: str | None = None
    description: str = ""
    label: str = ""

    @property
    def is_time(self) -> bool:
        return self.grain is not None


@dataclass(frozen=True)
class Model:
    """A semantic model: one table, its keys and dimensions. `primary` prefixes its own dimensions' names."""

    name: str
    relation: str
    primary: str | None
    entities: Mapping[str, Entity]
    dimensions: Mapping[str, Dimension]
    agg_time: str | None
    description: str = ""
    meta: Mapping[str, object] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.name)

    def validity(self) -> tuple[Dimension, Dimension] | None:
        """The validity window of a slowly changing model, or None."""
        start = next((d for d in self.dimensions.values() if d.validity == "start"), None)
        end = next((d for d in self.dimensions.values() if d.validity == "end"), None)
        return (start, end) if start and end else None


@dataclass(frozen=True, slots=True)
class NonAdditive:
    """A measure that must not be summed over `dimension`: take its first or last value instead."""

    dimension: str
    choice: str
    groupings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """An aggregation over the rows of one model."""

    model: str
    agg: str
    expr: str
    agg_time: str | None
    percentile: float | None = None
    discrete: bool = False
    approximate: bool = False
    non_additive: NonAdditive | None = None
    over_period: bool = False
    """Count the days of the period with data, whatever the other groupings and filters."""
    carry_forward_days: int | None = None
    """Carry the last known balance into periods without a row, at most this many days."""


@dataclass(frozen=True, slots=True)
class SimpleMetric:
    """A measure with its own filters and its treatment of missing values: what a simple metric is."""

    name: str
    measure: Measure
    filters: tuple[str, ...] = ()
    fill: int | float | None = None
    join_spine: bool = False


@dataclass(frozen=True, slots=True)
class Input:
    """A metric used by another, with its own filters and shift in time."""

    name: str
    alias: str
    filters: tuple[str, ...] = ()
    offset_window: Window | None = None
    offset_to_grain: str | None = None


@dataclass(frozen=True, slots=True)
class Cumulative:
    """How a cumulative metric accumulates: over a window, since the start of a grain, or all time."""

    window: Window | None
    grain_to_date: str | None
    period_agg: str


@dataclass(frozen=True, slots=True)
class Conversion:
    """Base events followed by conversion events of the same entity within a window."""

    base: SimpleMetric
    conversion: SimpleMetric
    entity: str
    calculation: str
    window: Window | None
    constants: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Metric:
    """A named number. kind: simple, ratio, derived, cumulative or conversion."""

    name: str
    kind: str
    description: str = ""
    label: str = ""
    filters: tuple[str, ...] = ()
    simple: SimpleMetric | None = None
    inputs: tuple[Input, ...] = ()
    expr: str = ""
    cumulative: Cumulative | None = None
    conversion: Conversion | None = None
    default_grain: str | None = None
    is_private: bool = False
    meta: Mapping[str, object] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.name)


@dataclass(frozen=True, slots=True)
class TimeSpine:
    """A table with one row per period of `grain`; `custom` maps calendar names to its columns."""

    relation: str
    column: str
    grain: str
    custom: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A query that was defined with the metrics."""

    name: str
    metrics: tuple[str, ...]
    group_by: tuple[str, ...]
    where: tuple[str, ...]
    order_by: tuple[str, ...] = ()
    limit: int | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class RollupMeasure:
    """A column that holds `agg(expr)` over the rows of a semantic model's table."""

    column: str
    agg: str
    expr: str


@dataclass(frozen=True, slots=True)
class Rollup:
    """A table of `of`, a semantic model, aggregated already. `keeps`: names in a query and their columns."""

    name: str
    relation: str
    of: str
    keeps: tuple[tuple[str, str], ...]
    measures: tuple[RollupMeasure, ...]


@dataclass(frozen=True, eq=False)
class Catalog:
    """All definitions of a manifest, with the look-ups that planning needs. Equal only to itself."""

    models: Mapping[str, Model]
    metrics: Mapping[str, Metric]
    spines: tuple[TimeSpine, ...]
    saved_queries: Mapping[str, SavedQuery]
    custom_grains: Mapping[str, TimeSpine]
    joinable: Mapping[str, tuple[Model, ...]]
    """By entity: the models that have it as a key with at most one row per value (at a time)."""
    rollups: tuple[Rollup, ...] = ()
    unique_keys: frozenset[tuple[str, str]] = frozenset()
    """(relation, column) of which a test says that no value occurs twice."""
    time_zone: str = UTC
    """Where an instant with a zone falls on a day."""
    duplicate_keys: DuplicateKeys = field(default_factory=dict)
    """Keys that were found not unique in the data of this release."""

    def is_unique(self, model: Model, entity: str) -> bool:
        """Whether a test says that a model has at most one row per value of an entity."""
        return (model.relation, model.entities[entity].expr.lower()) in self.unique_keys

    def spine(self, grain: str) -> TimeSpine | None:
        """The coarsest time spine that is at least as fine as `grain`."""
        fine = [s for s in self.spines if RANK[s.grain] <= RANK[grain]]
        return max(fine, key=lambda s: RANK[s.grain]) if fine else None

    def dimension_words(self) -> Mapping[str, Dimension]:
        """Every dimension by its own name: the model's primary entity, two underscores, the element."""
        return {
            f"{model.primary}__{dimension.name}": dimension
            for model in self.models.values()
            if model.primary
            for dimension in model.dimensions.values()
        }

    def custom_column(self, grain: str) -> str:
        """The column of the spine table that holds a custom calendar's periods."""
        return dict(self.custom_grains[grain].custom)[grain]
