# ruff: noqa: E501 — hand-written SQL stands in one piece
"""KPIs of the models equal hand-written SQL, and forecasts equal what the tills recorded, not our own features."""

import pytest

from tests.dbt_project.oracle import GROUPS, LOCATION, PRODUCT, combine, flow, numbers

pytestmark = pytest.mark.demo

GROUPS |= {
    "forecast__tier": "f.tier",
    "forecast__horizon_weeks": "f.horizon_weeks",
    "forecast__model_version": "f.model_version",
    "drift_result__kind": "f.kind",
}
JOINS = f"{PRODUCT} {LOCATION}"
ACCURACY = "fct_forecast_accuracy_weekly"
BY = [
    ("forecast__tier", "forecast__model_version"),
    ("forecast__tier", "location__region", "forecast__horizon_weeks"),
    ("product__department", "metric_time__month"),
    ("product__category",),
]
LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
QUANTILES = ("q025", "q10", "q25", "q50", "q75", "q90", "q975")

# Forecasts whose week is over beside units sold, from the sales lines themselves.
BESIDE_SALES = """(
    with sold as (
        select s.location_id, s.product_id, p.category, s.week, s.quantity
        from fct_sales_lines s join dim_product p using (product_id)
        where p.department not in ('FUEL', 'MISCELLANEOUS', 'UNKNOWN')
            and p.category not in ('COUPON/MISC ITEMS', 'UNKNOWN') and s.quantity between 1 and 60),
    by_item as (
        select 'category' as tier, location_id, category as item, week, sum(quantity) as units from sold group by all
        union all
        select 'product', location_id, product_id, week, sum(quantity) from sold group by all)
    select d.*, coalesce(b.units, 0) as units
    from fct_demand_forecasts d
    left join by_item b using (tier, location_id, item, week)
    where d.tier <> 'rest' and d.week in (select week from feat_calendar_week where is_recorded))"""


def pinball() -> str:
    """Sum over the quantiles of what each costs: its level times what it fell short, the rest times its excess."""
    return " + ".join(
        f"(case when f.units >= f.{q} then {a} * (f.units - f.{q}) else {1 - a} * (f.{q} - f.units) end)"
        for q, a in zip(QUANTILES, LEVELS, strict=True)
    )


FORMULAS = {
    "forecast_wape": ("sum(abs(f.units - f.q50))", "nullif(sum(f.units), 0)"),
    "forecast_bias": ("sum(f.mean_units - f.units)", "nullif(sum(f.units), 0)"),
    "forecast_pinball": (f"sum(({pinball()}) / 7)", "count(*)"),
    "forecast_coverage_80": ("count(*) filter (f.units between f.q10 and f.q90)", "count(*)"),
}


@pytest.mark.parametrize("groups", BY)
@pytest.mark.parametrize("metric", FORMULAS)
def test_forecast_accuracy(metric, groups, marts, agree):
    parts = (flow(marts, BESIDE_SALES, JOINS, part, groups, day="f.week_ending") for part in FORMULAS[metric])
    agree(metric, groups, combine(lambda a, b: a / b, *parts))


@pytest.mark.parametrize("groups", [(), ("location__region",), ("product__department", "metric_time__week")])
def test_forecast_demand_counts_each_week_once(groups, marts, agree):
    """Only live forecasts, the newest release's, at category grain."""
    newest = """(select * from fct_demand_forecasts d where tier = 'category' and not is_backtest and release_id =
        (select max(release_id) from fct_demand_forecasts n where not n.is_backtest and n.week = d.week))"""
    agree(
        "forecast_units", groups, flow(marts, newest, JOINS, "sum(f.mean_units)", groups, day="f.week_ending")
    )


@pytest.mark.parametrize("groups", [(), ("metric_time__week",), ("metric_time__month",)])
def test_drift_share(groups, marts, agree):
    watched = "count(*) filter (f.segment_type = 'all' and f.aspect = 'feature')"
    drifted = "count(*) filter (f.segment_type = 'all' and f.aspect = 'feature' and f.score >= f.threshold)"
    parts = (
        flow(marts, "fct_feature_drift", "", part, groups, day="f.week_ending") for part in (drifted, watched)
    )
    agree("drift_share", groups, combine(lambda a, b: a / b, *parts))


@pytest.mark.parametrize("groups", [(), ("drift_result__kind",), ("metric_time__week", "drift_result__kind")])
def test_drift_alerts(groups, marts, agree):
    alerts = "count(*) filter (f.alert_state = 'alert')"
    agree("drift_alerts", groups, flow(marts, "fct_feature_drift", "", alerts, groups, day="f.week_ending"))


def test_model_age_is_days_since_the_promotion_of_what_scores(ask, marts):
    expected = numbers(
        marts.execute("""select model_name,
            date_diff('microsecond', promoted_at, cast(recorded_at as timestamp)) / 86400e6
            from staging.stg_landing__model_versions where is_champion""").fetchall()
    )
    assert ask("model_age_days", ["registered_model__model_name"]) == pytest.approx(expected)


@pytest.mark.parametrize(
    "groups", [("location__region",), ("product__department",), ("product__department", "location__region")]
)
def test_margin_at_risk_is_the_last_score_and_never_summed_over_time(groups, marts, ask):
    """Probability × shortfall of the newest as-of week; nothing to compare before the first scores are recorded."""
    last = "(select * from fct_margin_risk where as_of_day = (select max(as_of_day) from fct_margin_risk))"
    expected = flow(
        marts, last, JOINS, "sum(f.probability * f.expected_shortfall_usd)", groups, day="f.as_of_day"
    )
    got = ask("margin_at_risk_value", groups)
    assert got.keys() == expected.keys()
    assert got == pytest.approx(expected, rel=1e-6, abs=0.01)


def test_every_forecast_joins_the_product_dimension(marts):
    """Whole categories too: a reader who is cut to departments must find them, and no other."""
    lost = marts.execute("""select count(*), count(*) filter (p.product_id is null),
        count(*) filter (p.department <> f.department) from fct_demand_forecasts f
        left join dim_product p using (product_id)""").fetchone()
    assert lost[0] > 100_000
    assert lost[1:] == (0, 0)
