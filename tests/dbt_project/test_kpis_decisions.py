# ruff: noqa: E501, PLR0917 — hand-written SQL stands in one piece
"""Decision KPIs equal hand-written SQL on what was exported, each by three groupings.

The SQL reads the landing, not the marts: the joins, the automatic decisions and what settles a recommendation are
worked out here once more, in other words.
"""

import pytest

from tests.dbt_project.oracle import LOCATION, PRODUCT, combine, numbers, plain

pytestmark = pytest.mark.demo

MONEY = {
    "rel": 1e-7,
    "abs": 2e-3,
}  # marts keep money to four decimals a row; sums of some thousand rows differ by less
LOCAL = "cast({} at time zone 'UTC' at time zone 'America/New_York' as date)"
SETTLED = "('approved', 'overridden', 'rejected', 'executing', 'executed', 'failed', 'measured')"


@pytest.fixture(scope="module")
def recorded(marts, var_dir):
    """Views on the exports: `r` recommendations, `d` what settled them (by hand), `o` outcomes with their decision."""
    for table in ("recommendations", "decisions", "decision_outcomes"):
        marts.execute(
            f"create or replace temp view {table} as from read_parquet('{var_dir}/landing/{table}/*/*.parquet')"
        )
    marts.execute(
        f"create or replace temp view r as select *, {LOCAL.format('proposed_at')} as day from recommendations"
    )
    marts.execute(f"""
        create or replace temp view d as
        select r.*, x.decision, x.decided_by, coalesce(x.role, 'automatic') as team, x.reason_code,
            x.decision_id is null as automatic, coalesce(x.quantity_units, r.decided_quantity_units) as units,
            {LOCAL.format("coalesce(x.decided_at, r.proposed_at)")} as decided_day,
            date_diff('microsecond', r.proposed_at, coalesce(x.decided_at, r.proposed_at)) / 3.6e9 as hours
        from recommendations r left join (
            select recommendation_id, max(decided_at) as decided_at, arg_max(decision, decided_at) as decision,
                arg_max(decided_by, decided_at) as decided_by, arg_max(role, decided_at) as role,
                arg_max(reason_code, decided_at) as reason_code, arg_max(quantity_units, decided_at) as quantity_units,
                arg_max(decision_id, decided_at) as decision_id
            from decisions group by 1) x using (recommendation_id)
        where r.state in {SETTLED}""")
    marts.execute("""
        create or replace temp view o as
        select out.*, d.decided_day, d.decision, d.decided_by, d.team, d.product_id, d.location_id, d.action
        from decision_outcomes out join d using (recommendation_id)""")
    return marts


def by(con, view, value, groups, day, where="true"):
    """`value` over the rows of a view by groups; each group is a pair of metric group and SQL."""
    keys = [
        sql if not name.startswith("metric_time__") else f"cast(date_trunc('{name[13:]}', f.{day}) as date)"
        for name, sql in groups
    ]
    grouped = f"group by {', '.join(str(i + 1) for i in range(len(keys)))}" if keys else ""
    sql = f"select {', '.join([*keys, value])} from {view} f {PRODUCT} {LOCATION} where {where} {grouped}"
    return numbers(con.execute(sql).fetchall())


def names(groups):
    return [name for name, _ in groups]


ISSUED_BY = [
    [],
    [("recommendation__action", "f.action"), ("recommendation__state", "f.state")],
    [
        ("metric_time__month", ""),
        ("recommendation__model_version", "f.model_version"),
        ("location__region", "l.region"),
    ],
]
DECIDED_BY = [
    [],
    [("decision__action", "f.action"), ("decision__team", "f.team")],
    [("decision__reason_code", "f.reason_code")],
    [
        ("metric_time__week", ""),
        ("decision__model_version", "f.model_version"),
        ("location__region", "l.region"),
    ],
]
MEASURED_BY = [
    [],
    [("decision_outcome__decided_by", "coalesce(f.decided_by, 'policy')")],
    [
        ("decision_outcome__decision_kind", "coalesce(f.decision, 'approve')"),
        ("product__department", "p.department"),
    ],
    [("metric_time__month", ""), ("location__region", "l.region")],
]


@pytest.mark.parametrize("groups", ISSUED_BY)
@pytest.mark.parametrize(("metric", "value"), [
    ("recommendations_issued", "count(*)"),
    ("recommendations_open", "count(*) filter (f.state in ('proposed', 'in_review'))"),
])  # fmt: skip
def test_issued_and_open(metric, value, groups, recorded, agree):
    agree(metric, names(groups), by(recorded, "r", value, groups, "day"))


@pytest.mark.parametrize("groups", DECIDED_BY)
@pytest.mark.parametrize(("metric", "above", "below"), [
    ("acceptance_rate", "f.decision = 'approve'", "not f.automatic"),
    ("override_rate", "f.decision = 'override'", "not f.automatic"),
    ("rejection_rate", "f.decision = 'reject'", "not f.automatic"),
    ("auto_approval_rate", "f.automatic", "true"),
])  # fmt: skip
def test_rates(metric, above, below, groups, recorded, agree):
    parts = [by(recorded, "d", f"count(*) filter ({part})", groups, "decided_day") for part in (above, below)]
    agree(metric, names(groups), combine(lambda a, b: a / b, *parts))


@pytest.mark.parametrize("groups", DECIDED_BY)
@pytest.mark.parametrize(
    ("metric", "share"), [("decision_cycle_time_hours", 0.5), ("decision_cycle_time_p90_hours", 0.9)]
)
def test_cycle_time(metric, share, groups, recorded, agree):
    agree(
        metric,
        names(groups),
        by(recorded, "d", f"quantile_cont(f.hours, {share})", groups, "decided_day", "not f.automatic"),
    )


@pytest.mark.parametrize("groups", DECIDED_BY)
def test_expected_impacts(groups, recorded, ask):
    kept = "coalesce(f.units / nullif(f.quantity_units, 0), 1)"
    live = "f.state <> 'rejected'"
    margin = f"sum(case when {live} then round(f.expected_margin_usd * least({kept}, 1), 4) else 0 end)"
    stock = f"-sum(case when {live} then round(f.expected_cash_usd * {kept}, 4) else 0 end)"
    for metric, value in (("margin_impact_expected", margin), ("working_capital_impact_expected", stock)):
        expected, got = by(recorded, "d", value, groups, "decided_day"), ask(metric, names(groups))
        assert expected and got.keys() == expected.keys()
        assert all(got[k] == pytest.approx(v, **MONEY) for k, v in expected.items()), metric


@pytest.mark.parametrize("groups", MEASURED_BY)
@pytest.mark.parametrize(("metric", "above", "below"), [
    ("decisions_measured", "count(*)", None),
    ("margin_impact_realised", "sum(round(f.margin_decided_usd, 4) - round(f.margin_baseline_usd, 4))", None),
    ("working_capital_impact_realised", "sum(round(f.stock_value_decided_usd, 4) - round(f.stock_value_baseline_usd, 4))", None),
    ("judgement_margin_realised", "sum(round(f.margin_decided_usd, 4) - round(f.margin_proposed_usd, 4))", None),
    ("service_impact_realised", "sum(f.served_decided_units) - sum(f.served_baseline_units)", "nullif(sum(f.demand_units), 0)"),
    ("outcome_turns_decided", "sum(round(f.cogs_decided_usd, 4) * 365 / 28)", "nullif(sum(round(f.stock_value_decided_usd, 4)), 0)"),
    ("outcome_turns_baseline", "sum(round(f.cogs_baseline_usd, 4) * 365 / 28)", "nullif(sum(round(f.stock_value_baseline_usd, 4)), 0)"),
])  # fmt: skip
def test_realised_impacts(metric, above, below, groups, recorded, ask):
    expected = by(recorded, "o", above, groups, "decided_day")
    if below:
        expected = combine(lambda a, b: a / b, expected, by(recorded, "o", below, groups, "decided_day"))
    got = ask(metric, names(groups))
    assert expected and got.keys() == expected.keys()
    assert all(got[k] == pytest.approx(v, **MONEY) for k, v in expected.items())


def test_rates_of_people_add_up(ask):
    parts = [ask(name, ["decision__team"]) for name in ("acceptance_rate", "override_rate", "rejection_rate")]
    assert combine(lambda *rates: sum(rates), *parts) == pytest.approx(dict.fromkeys(parts[0], 1.0))


def test_nothing_is_claimed_of_transfers_or_anomalies_before_one_was_settled(recorded, ask):
    (count,) = recorded.execute(
        "select count(*) from d where action in ('transfer', 'investigate') and not automatic"
    ).fetchone()
    if count == 0:
        assert ask("transfer_efficiency", []) == ask("exception_resolution_hours", []) == {}


def test_every_export_reaches_its_mart(recorded):
    for table in ("recommendations", "decisions", "decision_outcomes"):
        (landed,) = recorded.execute(f"select count(*) from {table}").fetchone()
        own = "where not is_automatic" if table == "decisions" else ""
        (mart,) = recorded.execute(f"select count(*) from fct_{table} {own}").fetchone()
        assert plain(mart) == landed > 0
