"""What every part of one plan is given: definitions, the reader's tables, and a place for subqueries.

>>> from semantic.ast import column
>>> from semantic.definitions import Restriction
>>> from semantic.plan.nodes import Column, Source
>>> from semantic.query import Resolver
>>> builder = PlanBuilder(catalog, Resolver(catalog), Restriction())
>>> builder.add_cte("groups", Select(None)), builder.add_cte("groups", Select(None))
('groups', 'groups_2')
>>> locations = Source(builder.table(catalog.models["dim_location"]), "l")
>>> rows(Select(locations, (Column("region", column("l", "region")),)))
East
West
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..definitions.catalog import Catalog, Model, TimeSpine
from ..definitions.restriction import Restriction
from ..errors import UnsupportedError
from ..query.request import MetricRef
from ..query.resolve import Resolver
from .nodes import Select, Table, Union
from .row_rules import table_for


@dataclass
class PlanBuilder:
    """Collects what one plan consists of beside the select that answers. One plan each, never shared.

    `dates`, `texts`: (relation, column) known to hold dates or texts. `metric_filters`: the select of each
    metric that a filter refers to, planned before any scan needs it.
    """

    catalog: Catalog
    resolver: Resolver
    restriction: Restriction
    dates: frozenset[tuple[str, str]] = frozenset()
    texts: frozenset[tuple[str, str]] = frozenset()
    metric_filters: dict[MetricRef, Select] = field(default_factory=dict)
    ctes: dict[str, Select | Union] = field(default_factory=dict)
    used_models: dict[str, None] = field(default_factory=dict)

    def table(self, model: Model) -> Table:
        """The model's table, reduced to the rows that the reader may see."""
        self.used_models[model.name] = None
        return table_for(self.catalog, model, self.restriction)

    def add_cte(self, name: str, node: Select | Union) -> str:
        """Name a subquery of the plan. Gives the name under which it can be read."""
        unique, n = name, 1
        while unique in self.ctes:
            n += 1
            unique = f"{name}_{n}"
        self.ctes[unique] = node
        return unique

    def spine(self, grain: str, why: str) -> TimeSpine:
        """A time spine fine enough for `grain`. Raises UnsupportedError if the manifest has none."""
        spine = self.catalog.spine(grain)
        if spine is None:
            raise UnsupportedError(
                f"{why} needs a time spine of grain {grain} or finer.",
                hint="Declare one in dbt (time_spine).",
            )
        return spine
