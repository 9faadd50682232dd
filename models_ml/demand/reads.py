"""Which columns of the release the demand model and its baseline read, for lineage and fingerprints."""

from __future__ import annotations

from models_ml.demand.panel import CALENDAR, MEASURES, PLAN, TIERS, WEEK_COLUMNS
from models_ml.lifecycle.spec import Columns

_POOL = ("pool", "member", "week", "units", "baskets")
_NEW = ("tier", "location_id", "item", "department", "category", "weeks_known", "units")
_LOCATION = ("location_id", "region")
FEATURE_TABLES = (
    "feat_calendar_week",
    "feat_demand_category_week",
    "feat_demand_product_week",
    "feat_demand_pool_week",
    "feat_location",
    "feat_promotion_plan_category_week",
    "feat_promotion_plan_product_week",
)
"""What a training's fingerprint is taken of."""


def demand_reads() -> Columns:
    """(table, column) that fit and scoring read, both tiers: `panel.read_panel`, newcomers, empty shelves.

    Days that a retailer names in the calendar are read beside these if there are any.
    """
    read = {("feat_calendar_week", name) for name in (*WEEK_COLUMNS, *CALENDAR)}
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


def rule_reads() -> Columns:
    """(table, column) behind the moving-average rule, which needs recorded units only."""
    named = {"week", "location_id", "units", *TIERS.values()}
    return frozenset((t, c) for t, c in demand_reads() if t.startswith("feat_demand_") and c in named)
