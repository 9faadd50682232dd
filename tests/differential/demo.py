"""Metrics of the demo by hand, over its marts, and what each of its people sees of them."""

from __future__ import annotations

from .hand_sql import Fact, Mart, Metric

VALUES = {
    "product__department": ["GROCERY", "DRUG GM", "PRODUCE", "MEAT"],
    "location__region": ["East", "West", "South"],
    "location__banner": ["Market", "Express", "Fresh"],
}
_REGION = {"planner_east": "East", "planner_west": "West", "store_manager": "South"}
READERS = (
    "executive", "planner_east", "planner_west", "category_manager", "store_manager", "finance_controller",
    "analytics_engineer", "ml_reviewer", "data_steward", "auditor", "integrator",
)  # fmt: skip


def mart() -> Mart:
    joined = (
        " LEFT JOIN main.dim_product AS p ON p.product_id = f.product_id"
        " LEFT JOIN main.dim_location AS l ON l.location_id = f.location_id"
    )
    dimensions = {
        "product__department": "p.department", "location__region": "l.region", "location__banner": "l.banner",
    }  # fmt: skip
    lines, returns, stock = (
        Fact(f"main.{table} AS f{joined}", "f.date_day", dimensions)
        for table in ("fct_sales_lines", "fct_returns", "fct_inventory_daily")
    )
    holding = ("f.product_id", "f.location_id")
    net, units = Metric(lines, "SUM(f.net_sales)"), Metric(lines, "SUM(f.units_sold)")
    returned = Metric(returns, "SUM(f.returned_units)", fill=0)
    regions = {who: (("location__region", f"{{}} = '{region}'"),) for who, region in _REGION.items()}
    departments = (("product__department", "{} IN ('GROCERY', 'DRUG GM')"),)
    return Mart(
        {
            "net_sales": net, "units_sold": units, "gross_sales": Metric(lines, "SUM(f.gross_sales)"),
            "returned_units": returned,
            "inventory_on_hand_units": Metric(stock, "f.on_hand_units", holding=holding),
        },
        first_day="2017-01-01", last_day="2017-12-31", as_of="2017-12-31", days="main.time_spine_daily",
        seen=regions | {"category_manager": departments},
    )  # fmt: skip
