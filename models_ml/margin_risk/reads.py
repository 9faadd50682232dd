"""Which columns of the release the margin risk model and its baselines read, for lineage and fingerprints."""

from __future__ import annotations

from models_ml.demand.reads import demand_reads
from models_ml.lifecycle.spec import Columns
from models_ml.margin_risk.panel import DEPTHS, MONEY

MARGIN_TABLES = (
    "feat_calendar_week",
    "feat_demand_category_week",
    "feat_demand_pool_week",
    "feat_discount_plan_category_week",
    "feat_location",
    "feat_margin_category_week",
    "feat_margin_pool_week",
    "feat_promotion_plan_category_week",
)
"""What a training's fingerprint is taken of."""


def margin_risk_reads() -> Columns:
    """(table, column) that `margin_risk.panel.read_margin_panel` reads."""
    keys = ("location_id", "category", "week")
    read = {(table, name) for table, name in demand_reads() if "product" not in table}
    read |= {("feat_margin_category_week", name) for name in (*keys, *MONEY, "is_simulated")}
    read |= {("feat_margin_pool_week", name) for name in ("pool", "member", "week", *MONEY)}
    return frozenset(read | {("feat_discount_plan_category_week", name) for name in (*keys, *DEPTHS)})
