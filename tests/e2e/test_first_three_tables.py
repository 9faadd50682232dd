"""What docs/bring-your-own-data.md says to start with is enough: products, locations and sales lines.

The shops were closed for a whole week, no customer is listed, and nothing else was brought.
"""

from __future__ import annotations

import shutil

import duckdb
import pytest

from api.pipeline.build import build_step, ingest_step, publish_step
from api.pipeline.step_process import run_in_subprocess
from api.services.metric_service import MetricService
from api.settings import Settings
from governance.releases import ReleaseStore
from semantic import MetricQuery
from semantic.sql.quoting import literal
from tests.e2e.conftest import FOLDER

SALES = f"read_csv({literal(f'{FOLDER}/sales_lines/all.csv')}) where week <> 3"


@pytest.fixture(scope="module")
def answer(tmp_path_factory):
    """A KPI by the given names, from the three tables."""
    root = tmp_path_factory.mktemp("three")
    for table in ("products", "locations"):
        shutil.copytree(FOLDER / table, root / "in" / table)
    (root / "in" / "sales_lines").mkdir()
    duckdb.sql(f"copy (from {SALES}) to {literal(f'{root}/in/sales_lines/all.csv')} (header)")
    settings = Settings(var_dir=root / "var", source=str(root / "in"))
    for step in (ingest_step, build_step, publish_step):
        run_in_subprocess(step, (settings,), lambda *what: None)
    service = MetricService(ReleaseStore(settings.var_dir), settings)
    yield lambda kpi, *groups: service.answer(MetricQuery(metrics=[kpi], group_by=groups), None).as_dict()[
        "rows"
    ]
    service.close()


def test_sales_kpis_are_those_of_the_file(answer):
    ((net_sales,),) = answer("net_sales")
    ((customers,),) = answer("active_customers")
    assert (float(net_sales), customers) == (
        pytest.approx(float(duckdb.sql(f"select sum(sales_value) from {SALES}").fetchall()[0][0])),
        duckdb.sql(f"select count(distinct customer_id) from {SALES}").fetchall()[0][0],
    )


def test_customers_nobody_listed_are_there_without_a_profile(answer):
    rows = dict(answer("active_customers", "customer__age_band"))
    assert set(rows) == {None} and rows[None] > 0


def test_kpis_of_tables_nobody_brought_are_empty(answer):
    for kpi in ("inventory_value", "supplier_otif_rate", "fill_rate"):
        assert answer(kpi) in ([], [[None]]), kpi
