"""A state folder and a source may be called anything: apostrophes, quotes, spaces, dollars are only names."""

from __future__ import annotations

import shutil

import duckdb
import pytest

from api.doctor import Level, examine
from api.pipeline.build import build_step, ingest_step, publish_step
from api.pipeline.record import record_step
from api.pipeline.step_process import run_in_subprocess
from api.services.metric_service import MetricService
from api.settings import Settings
from governance.releases import ReleaseStore
from integrations.ingest import history_report
from semantic import MetricQuery
from tests.e2e.conftest import FOLDER

NAME = """it's "var" $x"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    """The first tables of the example retailer, with one bad line, released below a folder of that name."""
    root = tmp_path_factory.mktemp("named") / NAME
    for table in ("products", "locations", "suppliers", "sales_lines"):
        shutil.copytree(FOLDER / table, root / "in" / table)
    sales = root / "in" / "sales_lines" / "all.csv"
    sales.write_text(sales.read_text() + "one field\n")
    settings = Settings(var_dir=root / "var", source=str(root / "in"))
    for step in (ingest_step, build_step, publish_step, record_step, build_step, publish_step):
        run_in_subprocess(step, (settings,), lambda *what: None)
    return settings


def test_a_metric_is_that_of_the_file(settings):
    service = MetricService(ReleaseStore(settings.var_dir), settings)
    try:
        ((net_sales,),) = service.answer(MetricQuery(metrics=["net_sales"]), None).as_dict()["rows"]
    finally:
        service.close()
    (expected,) = (
        duckdb.from_csv_auto(str(FOLDER / "sales_lines" / "all.csv")).sum("sales_value").fetchall()[0]
    )
    assert float(net_sales) == pytest.approx(float(expected))


def test_the_bad_line_is_quarantined_and_the_landing_complete(settings):
    report = history_report(settings.landing, settings.quarantine)
    assert report.is_complete
    assert [(reject.file, reject.rule) for reject in report.rejects] == [
        ("sales_lines/all.csv", "number of fields")
    ]


def test_the_doctor_finds_nothing_broken(settings):
    failed = [finding for finding in examine(settings) if finding.level is Level.FAILED]
    assert failed == []
