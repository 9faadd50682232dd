# ruff: noqa: E501 — hand-written SQL stands in one piece
"""Forecasts beside what the tills recorded, drift, model age and money at risk, by hand."""

from __future__ import annotations

from tests.dbt_project.oracles.numbers import LOCATION, Fact, Oracle, flow, formula, rate

QUANTILES = {"q025": 0.025, "q10": 0.1, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q90": 0.9, "q975": 0.975}
# Each quantile costs its level times what it fell short, the rest times its excess.
PINBALL = " + ".join(
    f"(case when units >= {q} then {a} * (units - {q}) else {1 - a} * ({q} - units) end)"
    for q, a in QUANTILES.items()
)
WEEKS = """(select week, max(day) as last_day from lines group by week having count(distinct day) >= 6)"""
# Merchandise of listed products, without quantities that are weights or errors; the week is one of six days or more.
BESIDE_SALES = f"""
    with wanted as (
        select s.location_id, s.product_id, g.category, s.week, s.quantity from lines s join goods g using (product_id)
        where g.department not in ('FUEL', 'MISCELLANEOUS', 'UNKNOWN') and s.quantity between 1 and 60
            and g.category not in ('COUPON/MISC ITEMS', 'UNKNOWN')),
    by_item as (
        select 'category' as tier, location_id, category as item, week, sum(quantity) as units from wanted group by all
        union all select 'product', location_id, product_id, week, sum(quantity) from wanted group by all)
    select d.* exclude (week), coalesce(b.units, 0) as units
    from demand_forecasts d join {WEEKS} w on w.week = d.week
    left join by_item b on b.tier = d.tier and b.location_id = d.location_id and b.item = d.item and b.week = d.week
    where d.tier <> 'rest'"""
# Of several forecasts of one week, the one of the newest release; a backtest is never in force.
IN_FORCE = """
    select *, not is_backtest and tier <> 'rest' and release_id = max(release_id) filter (not is_backtest) over (
        partition by tier, location_id, item, week) as counts
    from demand_forecasts"""
OWN = {
    "product__department": "f.department",
    "product__category": "f.category",
    **{f"forecast__{n}": f"f.{n}" for n in ("tier", "horizon_weeks", "model_version")},
    **{f"demand_forecast__{n}": f"f.{n}" for n in ("tier", "horizon_weeks", "method")},
}
ACCURACY = Fact("beside_sales", LOCATION, "f.week_ending", OWN, BESIDE_SALES)
FORECAST = Fact("in_force", LOCATION, "f.week_ending", OWN, IN_FORCE)
DRIFT = Fact(
    """(select d.* from drift_results d semi join (
        select model_name, week, max(release_id) as release_id from drift_results group by all) n
        using (model_name, week, release_id))""",
    "",
    "f.week_ending",
    {"drift_result__kind": "f.kind", "drift_result__segment_type": "f.segment_type"},
)
RISK = Fact(
    "risk",
    LOCATION,
    "f.day",
    {"product__department": "f.department", "product__category": "f.category"},
    f"""
    with newest as (
        select * from margin_risk_scores
        qualify rank() over (partition by location_id, category, as_of_week order by release_id desc) = 1),
    counted as (select category, department, count(*) as n from goods group by all),
    listed as (select distinct on (category) category, department from counted order by category, n desc, department)
    select n.*, w.last_day as day, listed.department
    from newest n join {WEEKS} w on w.week = n.as_of_week join listed using (category)
    where n.as_of_week = (select max(as_of_week) from margin_risk_scores)""",
)
AGES = Fact(
    "(select *, date_diff('microsecond', promoted_at, recorded_at) / 86400e6 as age from model_versions where is_champion)",
    "",
    "cast(f.recorded_at as date)",
    {"registered_model__model_name": "f.model_name", "registered_model__trained_by": "f.trained_by"},
)
ACCURACY_BY = (
    ("forecast__tier", "forecast__model_version"),
    ("forecast__tier", "location__region", "forecast__horizon_weeks"),
    ("product__department", "metric_time__month"),
)
FORECAST_BY = ((), ("location__region",), ("product__department", "metric_time__week"))
DRIFT_BY = (
    (),
    ("metric_time__week", "drift_result__kind"),
    ("metric_time__month", "drift_result__segment_type"),
)
SUMS = {
    "forecast_absolute_error": "sum(abs(units - q50))",
    "forecast_mean_error": "sum(mean_units - units)",
    "forecast_pinball_total": f"sum(({PINBALL}) / 7)",
    "forecast_hits_80": "count(*) filter (units >= q10 and units <= q90)",
    "forecasts_scored": "count(*)",
    "forecast_actuals": "sum(units)",
}
RATIOS = {
    "forecast_wape": ("forecast_absolute_error", "forecast_actuals"),
    "forecast_bias": ("forecast_mean_error", "forecast_actuals"),
    "forecast_pinball": ("forecast_pinball_total", "forecasts_scored"),
    "forecast_coverage_80": ("forecast_hits_80", "forecasts_scored"),
}
BY_RULE = "count(*) filter (is_fallback and counts)"
MADE = "count(*) filter (counts)"
WATCHED = "count(*) filter (segment_type = 'all' and aspect = 'feature')"
DRIFTED = "count(*) filter (segment_type = 'all' and aspect = 'feature' and score >= threshold)"
ORACLES = {
    **{name: Oracle(flow(ACCURACY, sql), ACCURACY_BY) for name, sql in SUMS.items()},
    **{name: Oracle(rate(ACCURACY, SUMS[above], SUMS[below]), ACCURACY_BY) for name, (above, below) in RATIOS.items()},
    "forecast_units": Oracle(flow(FORECAST, "sum(mean_units) filter (counts and tier = 'category')"), FORECAST_BY),
    "forecasts_made": Oracle(flow(FORECAST, MADE), (*FORECAST_BY, ("demand_forecast__method",))),
    "forecasts_by_rule": Oracle(flow(FORECAST, BY_RULE), (*FORECAST_BY, ("demand_forecast__method",))),
    "forecast_fallback_share": Oracle(rate(FORECAST, BY_RULE, MADE), FORECAST_BY),
    "watched_features": Oracle(flow(DRIFT, WATCHED), DRIFT_BY),
    "drifted_features": Oracle(flow(DRIFT, DRIFTED), DRIFT_BY),
    "drift_share": Oracle(rate(DRIFT, DRIFTED, WATCHED), DRIFT_BY),
    "drift_alerts": Oracle(flow(DRIFT, "count(*) filter (alert_state = 'alert')"), DRIFT_BY),
    "model_age_days": Oracle(
        flow(AGES, "max(age)"),
        ((), ("registered_model__model_name",), ("metric_time__month", "registered_model__trained_by")),
    ),
    # Probability × shortfall of the last scores alone: never summed over the weeks they were made in.
    "margin_at_risk_value": Oracle(
        formula(float, flow(RISK, "sum(probability * expected_shortfall)")),
        (("location__region",), ("product__department",), ("product__department", "location__region"), ()),
        rel=1e-6,
        abs=0.01,
    ),
}  # fmt: skip
