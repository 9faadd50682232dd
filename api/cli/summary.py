"""The few numbers that the pipeline closes with."""

from __future__ import annotations

from typing import Any

from api.review.labels import headline, place
from api.review.queue import as_of
from api.wiring import Services
from governance.approvals import OPEN, list_recommendations, priority
from semantic import MetricQuery

_RANKED = 1000  # those with the most money
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


def kpi_rows(services: Services) -> list[dict[str, Any]]:
    """The headline KPIs of the whole released period, in one query, as the API would answer them."""
    opened = services.metrics.opened()
    answer = services.metrics.answer(MetricQuery(metrics=HEADLINE), None).as_dict()
    values = dict(zip([c["name"] for c in answer["columns"]], answer["rows"][0], strict=True))
    rows = []
    for name in HEADLINE:
        metric = opened.layer.metric(name)
        simulated = bool(metric.meta.get("is_simulated"))
        rows.append(
            {
                "name": name,
                "label": metric.label or name,
                "value": values[name],
                "unit": str(metric.meta.get("unit", "")),
                "basis": "simulated ledger" if simulated else "recorded",
            }
        )
    return rows


def top_recommendations(services: Services, limit: int) -> list[dict[str, Any]]:
    """Open recommendations by money and urgency, as the review page ranks them."""
    page = list_recommendations(services.store, limit=_RANKED, state=OPEN)
    ranked = sorted(page.items, key=lambda row: (-priority(row, as_of(row)), row.recommendation_id))
    return [row.as_dict() | {"headline": headline(row), "place": place(row)} for row in ranked[:limit]]
