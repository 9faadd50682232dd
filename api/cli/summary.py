"""The few numbers that the pipeline closes with."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from api.review.labels import headline, place
from api.review.queue import last_day
from api.wiring import Services
from governance.approvals import Recommendation, rank_open
from semantic import MetricQuery

HEADLINE = (
    "net_sales",
    "units_sold",
    "gross_margin",
    "gross_margin_rate",
    "active_customers",
    "average_basket_value",
    "inventory_on_hand_units",
    "inventory_value",
    "average_inventory_cost",
    "inventory_turns",
    "days_of_supply",
    "stockout_rate",
    "fill_rate",
    "working_capital",
    "supplier_otif_rate",
)


@dataclass(frozen=True)
class KpiRow:
    """One KPI over the whole released period; `basis` says whether it rests on simulated data."""

    name: str
    label: str
    value: float | Decimal | None
    unit: str
    basis: str


@dataclass(frozen=True)
class RankedProposal:
    """A recommendation with what and where in a line each."""

    record: Recommendation
    headline: str
    place: str

    def as_dict(self) -> dict[str, object]:
        """JSON-ready form."""
        return self.record.as_dict() | {"headline": self.headline, "place": self.place}


def kpi_rows(services: Services) -> list[KpiRow]:
    """The headline KPIs of the whole released period, in one query, as the API would answer them."""
    opened = services.metrics.opened()
    answer = services.metrics.answer(MetricQuery(metrics=HEADLINE), None).as_dict()
    values = dict(zip([c["name"] for c in answer["columns"]], answer["rows"][0], strict=True))
    rows = []
    for name in HEADLINE:
        metric = opened.layer.metric(name)
        simulated = bool(metric.meta.get("is_simulated"))
        rows.append(
            KpiRow(
                name=name,
                label=metric.label or name,
                value=values[name],
                unit=str(metric.meta.get("unit", "")),
                basis="simulated ledger" if simulated else "recorded",
            )
        )
    return rows


def top_recommendations(services: Services, limit: int) -> list[RankedProposal]:
    """Open recommendations by money and urgency, as the review page ranks them."""
    day = last_day(services.metrics)
    ranked = rank_open(services.store, reader=None, as_of=day, limit=limit)
    return [RankedProposal(row, headline(row), place(row)) for row in ranked.records]
