"""What the examples in docstrings of semantic are run with: a few rows in, the rows of an answer out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import duckdb

from semantic import MetricQuery, Restriction, SemanticLayer
from semantic.definitions import Catalog, build_catalog
from semantic.plan import Plan, to_sql
from semantic.plan.nodes import Select

from .retailer import TABLES, manifest

Row = Sequence[object]
WEB = {"where_filters": [{"where_sql_template": "{{ Dimension('sale__channel') }} = 'web'"}]}
STORE = {"where_filters": [{"where_sql_template": "{{ Dimension('sale__channel') }} = 'store'"}]}
CONVERSION = {
    "name": "online_within_a_week",
    "type": "conversion",
    "type_params": {
        "conversion_type_params": {
            "base_measure": {"name": "sales_count", "filter": STORE},
            "conversion_measure": {"name": "sales_count", "filter": WEB},
            "entity": "customer",
            "window": {"count": 7, "granularity": "day"},
            "calculation": "conversions",
        }
    },
}


class Examples:
    """The tiny retailer's layer and tables, with the rows of facts that an example gives."""

    def __init__(self) -> None:
        raw = manifest()
        raw["metrics"].append(CONVERSION)
        self.catalog: Catalog = build_catalog(raw)
        self.layer = SemanticLayer(self.catalog)
        self.connection = duckdb.connect()
        self.connection.execute(TABLES)

    def given(self, sales: Sequence[Row], stock: Sequence[Row]) -> None:
        """sales: (day, product, amount[, customer[, channel]]); stock: (day, product, units)."""
        self.connection.execute("DELETE FROM fct_sales; DELETE FROM fct_stock")
        for number, row in enumerate(sales):
            day, product, amount, customer, channel = (*row, *("c1", "store")[len(row) - 3 :])
            values = [str(number), day, product, "l1", customer, channel, amount, 1]
            self.connection.execute("INSERT INTO fct_sales VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        for day, product, units in stock:
            self.connection.execute(
                "INSERT INTO fct_stock VALUES (?, ?, 'l1', ?, ?)", [day, product, units, units]
            )

    def answer(
        self, metrics: str = "", by: str = "", *, sales: Sequence[Row] = (), stock: Sequence[Row] = (),
        where: str = "", days: tuple[str, str] | None = None, under: Restriction | None = None,
    ) -> None:  # fmt: skip
        """Print the rows of an answer; metrics and keys are separated by spaces."""
        self.given(sales, stock)
        query = MetricQuery(metrics.split(), by.split(), [where] if where else [], time_constraint=days)
        self.show(self.layer.compile(query, restriction=under).sql)

    def probe(self, metrics: str, by: str, *, sales: Sequence[Row], under: Restriction) -> None:
        """Print the cells of an answer's probe, and how many entities contribute to each."""
        self.given(sales, ())
        (probe,) = self.layer.compile(MetricQuery(metrics.split(), by.split()), restriction=under).probes
        self.show(f"SELECT cell, entities FROM ({probe.sql})")

    def rows(self, select: Select) -> None:
        """Print the rows of a select."""
        self.show(to_sql(Plan(select), "duckdb"))

    def show(self, sql: str) -> None:
        for row in sorted(self.connection.execute(sql).fetchall(), key=str):
            print(*map(_text, row))


def _text(value: object) -> str:
    """Days as ISO text, numbers without needless digits."""
    if isinstance(value, dt.date):
        return f"{value:%Y-%m-%d}"
    return f"{value:g}" if isinstance(value, float) else str(value)
