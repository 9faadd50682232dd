"""The retailer as the dbt project gets it: a variable each, named after what the SQL does with it."""

from __future__ import annotations

from integrations.retailer.model import Retailer


def dbt_variables(retailer: Retailer) -> dict[str, object]:
    """By variable name; `dbt_project.yml` has a neutral default for each of them."""
    return {
        "trading_timezone": retailer.time_zone,
        "location_timezones": dict(retailer.location_time_zones),
        "reporting_currency": retailer.currency,
        "public_holidays": retailer.holidays,
        "own_events": [event.day.isoformat() for event in retailer.events],
        "other_departments": list(retailer.departments.not_merchandise),
        "other_categories": list(retailer.departments.categories_not_merchandise),
        "pass_through_margin_rate": retailer.costs.share_kept_without_cost,
        "carrying_cost_rate": retailer.costs.carrying_rate,
        "coupon_reimbursement_days": retailer.costs.coupon_reimbursement_days,
        "aged_shelf_life_share": retailer.stock.aged_shelf_life_share,
        "target_cover_days": retailer.stock.target_cover_days,
        "demand_least_quantity": retailer.demand.least_quantity,
        "demand_greatest_quantity": retailer.demand.greatest_quantity,
        "demand_excluded_departments": list(retailer.demand.excluded_departments),
        "demand_excluded_categories": list(retailer.demand.excluded_categories),
        "demand_promoting_locations_only": retailer.demand.promoting_locations_only,
        "demand_least_trading_days": retailer.demand.least_trading_days,
        "simulated_ledger": retailer.simulated_ledger,
    }
