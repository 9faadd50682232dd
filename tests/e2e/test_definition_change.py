"""A definition is changed and a release built from it: the diff shows the effect before it is published."""

from __future__ import annotations

import shutil

import duckdb
import pytest

from api.cli.release_diff import by_month
from api.pipeline.build import build_step
from api.pipeline.step_process import run_in_subprocess
from api.services.metric_service import MetricService
from governance.releases import ReleaseStore
from governance.releases.diff import diff_releases
from semantic.sql.quoting import literal
from tests.e2e.conftest import FOLDER

BEFORE = '{name: gross_sales, agg: sum, expr: "gross_sales"}'
AFTER = '{name: gross_sales, agg: sum, expr: "gross_sales - discounts"}'


@pytest.fixture(scope="module")
def diff(example, tmp_path_factory):
    """Gross sales lose the discounts, in a copy of the project."""
    project = tmp_path_factory.mktemp("project") / "dbt_project"
    shutil.copytree(example.project_dir, project, ignore=shutil.ignore_patterns("target", "logs"))
    mart = project / "models" / "marts" / "sales" / "fct_sales_lines.yml"
    assert BEFORE in mart.read_text()
    mart.write_text(mart.read_text().replace(BEFORE, AFTER))
    store = ReleaseStore(example.var_dir)
    before = store.current()
    changed = example.model_copy(update={"project_dir": project})
    built = run_in_subprocess(build_step, (changed,), lambda *what: None).result.release_id
    service = MetricService(store, example)
    yield diff_releases(before, store.get(built), by_month(service))
    service.close()
    shutil.rmtree(store.get(built).path)


def test_one_definition_changed_and_nothing_else(diff):
    (kpi,) = diff.kpis
    assert (kpi.name, kpi.what) == ("gross_sales", "changed")
    assert [(f.field, f.after) for f in kpi.fields] == [
        ("measures.gross_sales.expr", "gross_sales - discounts")
    ]
    assert (diff.models, diff.dimensions) == ((), ())


def test_what_is_built_on_it_is_named(diff):
    assert "markdown_rate" in {r.name for r in diff.reaches if r.kind == "kpi"}
    assert {r.because for r in diff.reaches} == {("gross_sales",)}


def test_the_numbers_moved_by_the_discounts_of_each_month(diff):
    """Counted from the retailer's own file."""
    discounts = duckdb.sql(
        "select strftime(date_trunc('month', business_date), '%Y-%m-%d'), "
        "sum(retail_discount + coupon_match_discount) "
        f"from read_csv({literal(f'{FOLDER}/sales_lines/all.csv')}) group by 1"
    ).fetchall()
    moved = {kpi.name: {m.month: m.change for m in kpi.months} for kpi in diff.moved}
    assert moved["gross_sales"] == pytest.approx({month: -float(usd) for month, usd in discounts})
    reached = {r.name for r in diff.reaches if r.kind == "kpi"}
    assert set(moved) <= reached | {"gross_sales"}, "a number moved that the diff does not explain"
    assert not [kpi.problem for kpi in diff.moved if kpi.problem]
