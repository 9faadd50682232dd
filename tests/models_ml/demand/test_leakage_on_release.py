"""The release's own feature SQL, run again on sales that end at the origin week: nothing may differ.

Series that only came to be tracked later are missing in the shortened release; each of its rows must be in
the whole one as is.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import pytest

from models_ml.demand.features import build
from models_ml.demand.panel import panel_from, read_panel
from models_ml.margin_risk.features import build as build_margin
from models_ml.margin_risk.model import rows_of
from models_ml.margin_risk.panel import margin_panel_from, read_margin_panel
from semantic.sql.quoting import literal

ORIGIN_WEEK = 37
MODELS = (
    "feat_calendar_week",
    "feat_demand_lines",
    "feat_demand_category_week",
    "feat_demand_product_week",
    "feat_demand_pool_week",
    "feat_margin_category_week",
    "feat_margin_pool_week",
)
DISCOUNTS = ("feat_discount_product_week", "feat_discount_plan_category_week")  # say more of later weeks
PLANS = ("feat_promotion_plan_category_week", "feat_promotion_plan_product_week")


@pytest.fixture(scope="module")
def truncated(release_dir: Path):
    """A connection whose feature tables were built from the sales up to the origin; `warehouse` is the
    release."""
    built = (*MODELS, *DISCOUNTS)
    nodes = json.loads((release_dir / "manifest.json").read_text())["nodes"].values()
    compiled = {node["name"]: node["compiled_code"] for node in nodes if node["name"] in built}
    con = duckdb.connect()
    con.execute("SET threads = 2")
    con.execute(f"ATTACH {literal(release_dir / 'warehouse.duckdb')} AS warehouse (READ_ONLY)")
    con.execute(
        f"CREATE VIEW fct_sales_lines AS FROM warehouse.main.fct_sales_lines WHERE week <= {ORIGIN_WEEK}"
    )
    for name in built:
        sql = compiled[name]
        for own in ("fct_sales_lines", *built):
            sql = sql.replace(f'"warehouse"."main"."{own}"', own)
        con.execute(f"CREATE TABLE {name} AS {sql}")
    for name in (*PLANS, "feat_location"):
        con.execute(f"CREATE VIEW {name} AS FROM warehouse.main.{name}")
    yield con
    con.close()


@pytest.mark.parametrize("table", MODELS[1:])
def test_every_row_of_the_shortened_release_is_in_the_release(
    truncated: duckdb.DuckDBPyConnection, table: str
) -> None:
    """Rows equal to nine digits; the count shows that the comparison is not an empty one."""
    columns = truncated.execute(f"DESCRIBE {table}").fetchall()
    row = ", ".join(f"round({n}, 9)" if kind == "DOUBLE" else n for n, kind, *_ in columns)
    count = truncated.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    lost = truncated.execute(
        f"SELECT count(*) FROM (SELECT {row} FROM {table} "
        f"EXCEPT ALL SELECT {row} FROM warehouse.main.{table})"
    ).fetchone()[0]
    assert count > 10_000
    assert lost == 0


@pytest.mark.parametrize("tier", ["category", "product"])
def test_features_of_the_shortened_release_are_those_of_the_release(
    truncated: duckdb.DuckDBPyConnection, release_dir: Path, tier: str
) -> None:
    """The matrix a model sees at the origin, from the shortened release and from the whole, for the series
    that sell by then."""
    short, whole = panel_from(truncated, tier), read_panel(release_dir / "warehouse.duckdb", tier)
    assert int(short.weeks[-1]) == ORIGIN_WEEK
    short, whole = (panel.select(panel.selling(panel.column(ORIGIN_WEEK))) for panel in (short, whole))
    np.testing.assert_array_equal(short.items, whole.items)
    assert len(short.items) > 3000
    (one, scale, names), (two, other, same) = (build(p, p.column(ORIGIN_WEEK)) for p in (short, whole))
    assert names == same
    np.testing.assert_allclose(scale, other, rtol=1e-12)
    for j, name in enumerate(names):
        np.testing.assert_allclose(one[..., j], two[..., j], rtol=1e-5, atol=1e-6, err_msg=name)


def test_margin_features_of_the_shortened_release_are_those_of_the_release(
    truncated: duckdb.DuckDBPyConnection, release_dir: Path
) -> None:
    """The discount depths behind the plan included: they end four weeks before the planned week."""
    short, whole = margin_panel_from(truncated), read_margin_panel(release_dir / "warehouse.duckdb")
    one, two = (
        rows_of(build_margin(p, p.demand.column(ORIGIN_WEEK)), p.demand.selling(p.demand.column(ORIGIN_WEEK)))
        for p in (short, whole)
    )
    assert len(one.values) > 3000
    assert one.values[:, one.names.index("added_depth_planned")].std() > 0.01
    for j, name in enumerate(one.names):
        np.testing.assert_allclose(one.values[:, j], two.values[:, j], rtol=1e-5, atol=1e-6, err_msg=name)


def test_series_are_those_of_the_protocol(release_dir: Path) -> None:
    """5,394 categories and 3,401 products of stores, by the recorded sales of weeks 2 to 29."""
    for tier, count in (("category", 5394), ("product", 3401)):
        panel = read_panel(release_dir / "warehouse.duckdb", tier)
        assert int(panel.selling(panel.column(29)).sum()) == count
