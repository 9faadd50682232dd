"""Which columns of the release each model and recommendation reads, for lineage."""

from __future__ import annotations

from models_ml.demand.panel import CALENDAR, MEASURES, PLAN, TIERS
from models_ml.margin_risk.panel import DEPTHS, MONEY

_POOL = ("pool", "member", "week", "units", "baskets")
_NEW = ("tier", "location_id", "item", "department", "category", "weeks_known", "units")
_LOCATION = ("location_id", "region")


def demand_reads() -> frozenset[tuple[str, str]]:
    """(table, column) that fit and scoring read, both tiers: `panel.read_panel`, newcomers, empty shelves."""
    read = {("feat_calendar_week", name) for name in ("week", "is_recorded", *CALENDAR)}
    read |= {("feat_demand_pool_week", name) for name in _POOL}
    read |= {("feat_location", name) for name in _LOCATION}
    for tier, item in TIERS.items():
        keys = ("location_id", item, "week")
        read |= {(f"feat_demand_{tier}_week", name) for name in (*keys, "department", "category", *MEASURES)}
        read |= {(f"feat_promotion_plan_{tier}_week", name) for name in (*keys, *PLAN[tier])}
    read |= {("feat_cold_start_pair", name) for name in _NEW}
    read |= {
        ("feat_stockout_product_week", name) for name in ("location_id", "product_id", "week", "empty_days")
    }
    return frozenset(read)


def rule_reads() -> frozenset[tuple[str, str]]:
    """(table, column) behind the moving-average rule, which needs recorded units only."""
    named = {"week", "location_id", "units", *TIERS.values()}
    return frozenset((t, c) for t, c in demand_reads() if t.startswith("feat_demand_") and c in named)


def margin_risk_reads() -> frozenset[tuple[str, str]]:
    """(table, column) that `margin_risk.panel.read_margin_panel` reads."""
    keys = ("location_id", "category", "week")
    read = {(table, name) for table, name in demand_reads() if "product" not in table}
    read |= {("feat_margin_category_week", name) for name in (*keys, *MONEY, "is_simulated")}
    read |= {("feat_margin_pool_week", name) for name in ("pool", "member", "week", *MONEY)}
    return frozenset(read | {("feat_discount_plan_category_week", name) for name in (*keys, *DEPTHS)})


READS = {
    "demand": demand_reads,
    "moving-average-13": rule_reads,
    "margin_risk": margin_risk_reads,
    "last-four-weeks-repeat": margin_risk_reads,
}
"""By name of the registered model."""

POSITION_TABLES = (
    "fct_inventory_daily", "fct_purchase_order_lines", "fct_transfers", "fct_sales_lines", "dim_location",
    "dim_product", "dim_supplier", "dim_customer", "fct_open_to_buy_monthly", "dim_promotion",
    "fct_stock_adjustments", "fct_returns", "fct_lost_sales", "fct_inventory_lots",
)  # fmt: skip
"""What a recommendation reads besides forecasts: stock, orders, transfers, prices and terms."""
