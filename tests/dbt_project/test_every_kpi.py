"""Every metric of the manifest equals the number worked out by hand from the landed files, group by group."""

import json

import pytest

from tests.dbt_project.oracles import ORACLES, SUBJECTS

CASES = [
    (subject, by)
    for subject, oracles in SUBJECTS.items()
    for by in dict.fromkeys(by for oracle in oracles.values() for by in oracle.groupings)
]


def test_no_metric_is_without_an_oracle_and_three_groupings(release_dir):
    manifest = json.loads((release_dir / "semantic_manifest.json").read_text())
    assert ORACLES.keys() == {metric["name"] for metric in manifest["metrics"]}
    assert not [name for name, oracle in ORACLES.items() if len(set(oracle.groupings)) < 3]


@pytest.mark.parametrize(
    ("subject", "by"), CASES, ids=lambda v: v if isinstance(v, str) else "+".join(v) or "total"
)
def test_metrics_are_what_the_landed_rows_say(subject, by, landed, query_metrics, compare):
    """All metrics of a subject in one question: each has the same groups and the same numbers in them."""
    metrics = [name for name, oracle in SUBJECTS[subject].items() if by in oracle.groupings]
    served = query_metrics([name for name in metrics if not ORACLES[name].alone], by)
    served |= {name: query_metrics([name], by)[name] for name in metrics if ORACLES[name].alone}
    wrong = [compare(name, by, ORACLES[name].number(landed, by), served[name]) for name in metrics]
    assert not any(wrong), "\n".join(filter(None, wrong))


@pytest.mark.parametrize("metric", ["net_sales", "inventory_value", "return_rate", "dpo", "acceptance_rate"])
def test_one_metric_alone_is_what_it_is_in_company(metric, query_metric, landed, compare):
    for by in ORACLES[metric].groupings:
        assert not compare(metric, by, ORACLES[metric].number(landed, by), query_metric(metric, by))


# Days of a period are nobody's own; a list, since parallel workers must meet the same order.
@pytest.mark.parametrize("metric", [name for name in ORACLES if name != "inventory_days"])
def test_of_nothing_there_is_no_number(metric, query_metric):
    """No group where no row is, and in total no number or 0: never a number out of nothing."""
    groupings = ORACLES[metric].groupings
    dimension = next(group for by in groupings for group in by if not group.startswith("metric_time__"))
    nothing = [f"{{{{ Dimension('{dimension}') }}}} = 'no such thing'"]
    assert query_metric(metric, ("metric_time__month", dimension), where=nothing) == {}
    if () in groupings:
        assert query_metric(metric, (), where=nothing).get((), 0.0) == 0.0


def test_totals_are_those_of_the_packaged_data(query_metric):
    """Counted once from the package itself: $4.60 M over 155,848 baskets of 2,469 households."""
    assert query_metric("net_sales", ())[()] == pytest.approx(4_596_039.58, abs=0.01)
    assert query_metric("baskets", ())[()] == 155_848
    assert query_metric("active_customers", ())[()] == 2_469


def test_active_customers_of_a_region_do_not_add_up(query_metric):
    """A household that shops in two regions counts once in the total: a distinct count is no sum of parts."""
    assert (
        sum(query_metric("active_customers", ("location__region",)).values())
        > query_metric("active_customers", ())[()]
    )


def test_rates_of_people_add_up(query_metric):
    rates = [
        query_metric(name, ["decision__team"])
        for name in ("acceptance_rate", "override_rate", "rejection_rate")
    ]
    assert {team: sum(rate[team] for rate in rates) for team in rates[0]} == pytest.approx(
        dict.fromkeys(rates[0], 1.0)
    )


def test_every_forecast_joins_the_product_dimension(marts):
    """Whole categories too: a reader who is cut to departments must find them, and no other."""
    lost = marts.execute("""select count(*), count(*) filter (p.product_id is null),
        count(*) filter (p.department <> f.department) from fct_demand_forecasts f
        left join dim_product p using (product_id)""").fetchone()
    assert lost[0] > 100_000
    assert lost[1:] == (0, 0)
