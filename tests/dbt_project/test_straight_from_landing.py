# ruff: noqa: E501 — hand-written SQL stands in one piece
"""KPIs from the landed Parquet alone: the warehouse is not asked, so a wrong mart cannot hide behind itself."""

from pathlib import Path

import duckdb
import pytest

pytestmark = pytest.mark.demo

ZONE = "(sold_at at time zone 'UTC' at time zone 'America/New_York')::date"
GOODS = """coalesce(p.department, 'UNKNOWN') not in ('FUEL', 'MISCELLANEOUS', 'COUPON')
    and coalesce(p.category, 'UNKNOWN') <> 'COUPON/MISC ITEMS'"""


@pytest.fixture(scope="module")
def landing(var_dir: Path):
    folder = var_dir / "landing"
    if not folder.exists():
        pytest.fail(f"no landing below {var_dir}: `make pipeline` fills it")
    con = duckdb.connect()
    con.execute("set threads = 2")
    for table in ("sales_lines", "products", "locations", "inventory_snapshots"):
        con.execute(
            f"create view {table} as from read_parquet('{folder}/{table}/*/*.parquet', union_by_name = true)"
        )
    # Every attribute asked for here is the same in all versions of a location.
    con.execute("create view places as from locations where effective_date is null")
    yield con
    con.close()


SALES = "sales_lines s left join products p using (product_id) left join places l using (location_id)"
GROUPS = {
    (): "",
    ("product__department",): "coalesce(p.department, 'UNKNOWN')",
    ("metric_time__month", "location__region"): f"date_trunc('month', {ZONE})::date, l.region",
}
FORMULAS = {
    "gross_sales": "sum(sales_value_usd + retail_discount_usd + coupon_match_discount_usd)",
    "net_sales": "sum(sales_value_usd)",
    "units_sold": f"sum(case when {GOODS} then quantity else 0 end)",
    "average_basket_value": "sum(sales_value_usd) / count(distinct basket_id)",
    "active_customers": "count(distinct customer_id)",
}


@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("metric", FORMULAS)
def test_sales(metric, groups, landing, agree):
    keys = GROUPS[groups]
    rows = landing.execute(
        f"select {keys + ',' if keys else ''} {FORMULAS[metric]} from {SALES} group by all"
    ).fetchall()
    agree(metric, groups, {tuple(r[:-1]): float(r[-1]) for r in rows})


def test_totals_are_those_of_the_packaged_data(ask):
    """Counted once from the package itself: $4.60 M over 155,848 baskets of 2,469 households."""
    assert ask("net_sales", ())[()] == pytest.approx(4_596_039.58, abs=0.01)
    assert ask("baskets", ())[()] == 155_848
    assert ask("active_customers", ())[()] == 2_469


STOCK = "inventory_snapshots s left join products p using (product_id) left join places l using (location_id)"
STOCK_GROUPS = {
    (): "",
    ("product__department",): "p.department",
    ("location__region", "location__location_type"): "l.region, l.location_type",
}


@pytest.mark.parametrize("groups", STOCK_GROUPS)
def test_service_and_average_stock(groups, landing, agree):
    keys = STOCK_GROUPS[groups]
    by = f"{keys}," if keys else ""
    for metric, formula in (
        ("stockout_rate", "avg(case when on_hand_units <= 0 then 1.0 else 0.0 end) filter (is_ranged)"),
        ("fill_rate", "sum(sales_units)::double / nullif(sum(demand_units), 0)"),
        (
            "average_inventory_cost",
            "sum(round(on_hand_units * unit_cost_usd, 4)) / (select count(distinct snapshot_date) from inventory_snapshots)",
        ),
    ):
        rows = landing.execute(f"select {by} {formula} from {STOCK} group by all").fetchall()
        agree(metric, groups, {tuple(r[:-1]): float(r[-1]) for r in rows if r[-1] is not None})
