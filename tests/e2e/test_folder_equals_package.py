"""A retailer's folder by the whole road (ingest, dbt build, publish, metric) against SQL on its CSV files.

The SQL is written from each KPI's formula in words; no dbt model and no landed file is read for it.
"""

from __future__ import annotations

import csv
import datetime as dt

import duckdb
import pytest

from api.pipeline.build import build_step, ingest_step
from api.services.metric_service import MetricService
from governance.releases import ReleaseStore
from integrations.contracts import contracts
from semantic import MetricQuery
from semantic.sql.quoting import literal
from tests.e2e.conftest import FOLDER


@pytest.fixture(scope="module")
def answer(example):
    """A KPI by the given names, as `{group: number}`."""
    service = MetricService(ReleaseStore(example.var_dir), example)

    def answer(kpi, groups):
        rows = service.answer(MetricQuery(metrics=[kpi], group_by=groups), None).as_dict()["rows"]
        return {tuple(_plain(v) for v in key): float(number) for *key, number in rows if number is not None}

    yield answer
    service.close()


@pytest.fixture(scope="module")
def files():
    """The CSV files as they lie in the folder, a view a table."""
    con = duckdb.connect()
    for table in contracts():
        con.execute(
            f"create view {table} as from read_csv({literal(f'{FOLDER}/{table}/*.csv')}, header = true)"
        )
    # Cost in force on the day of sale: the newest change up to it (all of them hold everywhere).
    con.execute("""
        create view lines as
        select s.*, p.department, l.region, date_trunc('month', business_date)::date as month,
            (select arg_max(c.landed_cost, c.effective_date) from price_changes c
             where c.product_id = s.product_id and c.effective_date <= s.business_date) as cost
        from sales_lines s join products p using (product_id) join locations l using (location_id)""")
    con.execute("""
        create view promised as
        select o.*, l.status, l.ordered_units, r.received_on, r.received_units
        from purchase_order_lines l join purchase_orders o using (purchase_order_id)
        left join receipts r using (purchase_order_id, line_number)
        where o.promised_on <= (select max(business_date) from sales_lines)""")
    yield con
    con.close()


BY_HAND = {
    ("net_sales", ()): "select sum(sales_value) from lines",
    ("net_sales", ("metric_time__month", "location__region")): (
        "select month, region, sum(sales_value) from lines group by all"
    ),
    ("gross_sales", ("location__region",)): (
        "select region, sum(sales_value + retail_discount + coupon_match_discount) from lines group by 1"
    ),
    ("units_sold", ("product__department",)): "select department, sum(quantity) from lines group by 1",
    ("active_customers", ("metric_time__month",)): (
        "select month, count(distinct customer_id) from lines group by 1"
    ),
    ("average_basket_value", ("metric_time__month",)): (
        "select month, sum(sales_value) / count(distinct basket_id) from lines group by 1"
    ),
    ("gross_margin", ("product__department",)): (
        "select department, sum(sales_value - quantity * cost) from lines group by 1"
    ),
    ("inventory_on_hand_units", ("location__region",)): """
        select region, sum(units) from (
            select region, location_id, product_id, arg_max(on_hand_units, snapshot_date) as units
            from inventory_snapshots join locations using (location_id) group by all) group by 1""",
    ("inventory_value", ("product__department",)): """
        select department, sum(usd) from (
            select department, arg_max(on_hand_units * unit_cost, snapshot_date) as usd
            from inventory_snapshots join products using (product_id)
            group by department, location_id, product_id) group by 1""",
    ("returned_units", ("location__region",)): (
        "select region, sum(quantity) from returns join locations using (location_id) group by 1"
    ),
    ("supplier_otif_rate", ()): (
        "select avg(coalesce(received_on <= promised_on and received_units >= ordered_units, false)::int) "
        "from promised where status <> 'cancelled'"
    ),
}


@pytest.mark.parametrize(
    ("kpi", "groups"),
    BY_HAND,
    ids=lambda value: "-".join(value) or "all" if isinstance(value, tuple) else value,
)
def test_kpi(answer, files, kpi, groups):
    rows = files.execute(BY_HAND[kpi, groups]).fetchall()
    expected = {tuple(_plain(v) for v in key): float(number) for *key, number in rows if number is not None}
    assert len(expected) >= max(1, len(groups)) and any(expected.values())
    assert answer(kpi, list(groups)) == pytest.approx(expected, rel=1e-9)


def test_every_row_of_every_file_is_in(example):
    """Counted by Python's own CSV reader."""
    con = duckdb.connect()
    for table in contracts():
        with (FOLDER / table / "all.csv").open(newline="") as file:
            rows = sum(1 for _ in csv.reader(file)) - 1
        landed = f"read_parquet({literal(f'{example.landing}/{table}/*/*.parquet')})"
        assert con.execute(f"select count(*) from {landed}").fetchone() == (rows,), table


def test_the_same_folder_again_changes_nothing_and_builds_nothing(example):
    assert ingest_step(example, lambda *what: None).unchanged is True
    assert build_step(example, lambda *what: None).unchanged is True


def _plain(value):
    """Days alike whether they came as date or as timestamp."""
    return value.date() if isinstance(value, dt.datetime) else value
