"""A query as SQL, with what is known of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .suppression_probe import GroupProbe


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """A column of the answer. kind: metric, time, dimension or entity; meta is the metric's own."""

    name: str
    kind: str
    label: str = ""
    description: str = ""
    meta: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where an answer comes from: metrics (with all they build on), semantic models, tables."""

    metrics: tuple[str, ...]
    models: tuple[str, ...]
    relations: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    """Output column to the metrics, or the dimension, that it is made of."""


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """SQL that answers a query, ready to run. `key` identifies (query, dialect, restriction)."""

    sql: str
    columns: tuple[OutputColumn, ...]
    lineage: Lineage
    dialect: str
    explain: str = ""
    key: int = 0
    keys: tuple[str, ...] = ()
    """The output column of each key that was asked for, in that order; two may share one."""
    rollups: tuple[str, ...] = ()
    """The rollups that it reads instead of their facts."""
    probes: tuple[GroupProbe, ...] = ()
    """Under a minimum size of groups: the probes of their contributing entities."""
