# ruff: noqa: E501 - tables of cases read better in one line
"""Wrong numbers without an error, as seen in other semantic layers: one test each."""

from __future__ import annotations

import pytest

from semantic import MetricQuery, Restriction, RowRule, SemanticLayer
from tests.semantic.retailer import database, manifest

LAYER = SemanticLayer.from_dict(manifest())
TABLES = database()


def rows(
    *metrics: str, by: tuple[str, ...] = (), restriction: Restriction | None = None
) -> dict[object, object]:
    sql = LAYER.compile(MetricQuery(metrics=metrics, group_by=by), restriction=restriction).sql
    return {r[:-1]: r[-1] for r in TABLES.execute(sql).fetchall()}


def test_filters_of_a_metric_are_not_dropped() -> None:
    assert rows("east_sales") == {(): 40.0}


def test_filters_of_a_metric_reach_metrics_built_on_it() -> None:
    raw = manifest()
    raw["metrics"].append(
        {"name": "east_share", "type": "ratio", "type_params": {
            "numerator": {"name": "east_sales"}, "denominator": {"name": "net_sales"}}}
    )  # fmt: skip
    sql = SemanticLayer.from_dict(raw).compile(MetricQuery(metrics=["east_share"])).sql
    assert TABLES.execute(sql).fetchone() == (40.0 / 130.0,)


def test_offset_windows_are_not_ignored() -> None:
    by_month = {k[0].month: v for k, v in rows("sales_growth", by=("metric_time__month",)).items()}
    assert by_month == {1: None, 2: 22.0, 3: -4.0}


def test_month_ends_are_not_counted_again() -> None:
    """28 to 31 March must not all look at 28 or 29 February when whole months are shown."""
    by_month = {k[0].month: v for k, v in rows("sales_growth", by=("metric_time__month",)).items()}
    assert by_month[3] == 48.0 - 52.0


@pytest.mark.parametrize("key", ["product__department", "location__region", "customer__segment"])
def test_orphan_and_null_keys_do_not_vanish(key: str) -> None:
    values = rows("net_sales", by=(key,))
    assert sum(values.values()) == 130.0  # type: ignore[arg-type]
    assert (None,) in values


def test_row_rules_apply_to_queries_that_do_not_mention_them() -> None:
    east = Restriction(rows=(RowRule("location", "region = 'East'"),))
    assert rows("net_sales", restriction=east) == {(): 40.0}
    assert sum(rows("net_sales", by=("product__department",), restriction=east).values()) == 40.0  # type: ignore[arg-type]


def test_values_are_not_repeated_across_a_second_fact() -> None:
    both = rows("inventory_on_hand_units", "net_sales")
    assert both == {(40 - 6,): 130.0}  # 9 + 20 + 3 + 2 units, each sale once


def test_a_balance_is_not_summed_over_time() -> None:
    assert rows("inventory_on_hand_units") == {(): 34}


def test_a_product_missing_on_the_last_day_does_not_vanish() -> None:
    by_month = {k[0].month: v for k, v in rows("inventory_on_hand_units", by=("metric_time__month",)).items()}
    assert by_month[1] == 28  # p2 was last counted on the 30th


def test_a_trailing_window_has_as_many_days_as_it_says() -> None:
    values = {k[0].strftime("%m-%d"): v for k, v in rows("sales_28_days", by=("metric_time__day",)).items()}
    assert values["02-26"] == 10.0 + 20.0 + 5.0  # 30 January is 27 days back: still in
    assert values["02-27"] == 20.0 + 5.0  # now it is 28 days back: out


def test_a_null_window_grouping_is_a_group() -> None:
    by_department = rows("inventory_on_hand_units", by=("product__department",))
    assert by_department[(None,)] == 2


def test_averages_are_not_averaged_again() -> None:
    assert rows("average_line") == {(): 130.0 / 8}
    values = rows("average_line", by=("product__supplier__supplier_name",))
    assert values[("Alpha",)] == 70.0 / 4


def test_ratios_are_computed_after_aggregation() -> None:
    assert rows("price") == {(): 130.0 / 15}


def test_a_zero_denominator_is_null_not_an_error() -> None:
    raw = manifest()
    raw["metrics"].append(
        {"name": "odd", "type": "ratio", "type_params": {
            "numerator": {"name": "net_sales"},
            "denominator": {"name": "units_sold",
                            "filter": {"where_filters": [{"where_sql_template": "{{ Dimension('sale__channel') }} = 'none'"}]}}}}
    )  # fmt: skip
    sql = SemanticLayer.from_dict(raw).compile(MetricQuery(metrics=["odd"])).sql
    assert TABLES.execute(sql).fetchone() == (None,)
