"""A model that the platform has never seen, added by its spec alone, is trained, listed, reviewed, promoted,
scored and watched."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from api.pipeline import models as pipeline
from api.pipeline.monitor import monitor_step
from api.services.model_service import ModelService
from api.services.ops_store import open_ops_store
from api.settings import Settings
from governance.errors import ConflictError
from governance.identity import Directory
from governance.progress import silent
from models_ml.drift import report_name
from models_ml.lifecycle.comparison import MetricPair
from models_ml.models import MODELS, reads_of
from tests.models_ml.lifecycle.toy_model import ToySpec
from tests.models_ml.small_warehouse import write_features

# What monitoring reads beside the features: the sales lines behind them.
MARTS = """
CREATE TABLE dim_location AS SELECT location_id, region FROM feat_location;
CREATE TABLE dim_product AS
    SELECT DISTINCT product_id, department, category, true AS is_merchandise FROM sales;
CREATE TABLE fct_sales_lines AS SELECT week, location_id, product_id, 'store' AS channel,
    DATE '2017-01-08' + ((week - 2) * 7)::INT AS date_day, units AS quantity, units * 2 AS gross_sales,
    units * 2 AS net_sales, 0.0 AS discounts FROM sales;
CREATE TABLE fct_promotions_weekly AS SELECT week, location_id FROM feat_promotion_plan_category_week;
ALTER TABLE feat_calendar_week ADD COLUMN trading_days INT DEFAULT 7;
"""


@dataclass
class OneRelease:
    """A release store that holds one release, of the small retailer."""

    warehouse: Path
    release_id: str = "R1"

    def current(self) -> "OneRelease":
        return self


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(var_dir=tmp_path_factory.mktemp("toy") / "var", mode="production")


@pytest.fixture(scope="module")
def warehouse(settings: Settings) -> Path:
    settings.var_dir.mkdir()
    path = write_features(settings.var_dir / "warehouse.duckdb")
    with duckdb.connect(str(path)) as con:
        con.execute(MARTS)
    return path


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, warehouse: Path) -> Iterator[ToySpec]:
    """The toy beside no other model, in the one place where models are listed."""
    before, spec = dict(MODELS), ToySpec()
    MODELS.clear()
    MODELS[spec.name] = spec
    monkeypatch.setattr("api.pipeline.models.ReleaseStore", lambda _: OneRelease(warehouse))
    monkeypatch.setattr("api.pipeline.monitor.ReleaseStore", lambda _: OneRelease(warehouse))
    yield spec
    MODELS.clear()
    MODELS.update(before)


@pytest.fixture(scope="module")
def service(settings: Settings, warehouse: Path) -> Iterator[ModelService]:
    store = open_ops_store(settings)
    yield ModelService(settings, store)
    store.close()


def test_it_goes_all_the_way(
    toy: ToySpec, settings: Settings, service: ModelService, warehouse: Path
) -> None:
    result = pipeline.train_models(settings, silent)
    assert result.summary() == "toy version 1: error 1.0, last week 2.0"
    assert pipeline.train_models(settings, silent).unchanged
    assert reads_of("toy") == reads_of("last-week") == toy.reads()

    release = OneRelease(warehouse)
    scored = pipeline.score_models(settings, release, silent, service.approved)["toy"]
    assert (scored.model_name, scored.fallback_reason) == ("last-week", "no approved toy model")

    reviewer = Directory.load().user("ml_reviewer")
    (row,) = service.versions()
    assert (row.version.name, row.version.version, row.review) == ("toy", "1", None)
    with pytest.raises(ConflictError):
        service.promote(reviewer, "toy", "1")
    comparison = service.review("toy")
    assert comparison.metrics[0] == MetricPair("last_week_error", 2.0, None)
    assert (comparison.challenger.version.version, comparison.champion) == ("1", None)
    service.judge(reviewer, "toy", "1", decision="approve", reason="It errs less.", request_id="r1")
    assert service.promote(reviewer, "toy", "1").version.aliases == ("champion",)

    scored = pipeline.score_models(settings, release, silent, service.approved)["toy"]
    rows = pd.read_parquet(scored.path)
    assert (scored.model_name, scored.model_version, scored.rows) == ("toy", "1", len(rows))
    assert scored.path == pipeline.scores_path(settings, "R1", "toy")
    assert (rows["next_units"] / rows["units"]).nunique() == 1
    assert not (rows["next_units"] == rows["units"]).any()

    watched = monitor_step(settings, silent)
    drift = pd.read_parquet(watched.path)
    own = drift[drift["feature"] == "toy.last_units"]
    assert len(own)
    assert set(drift["model_name"]) == {"toy"}
    assert set(drift["model_version"]) == {"1"}
    assert watched.report.name == report_name("toy")
    assert json.loads((settings.mlflow_artifacts / "codes" / "toy-1.json").read_text())["region"] == [
        "East", "West",
    ]  # fmt: skip
    events = [json.loads(line) for line in (settings.var_dir / "openlineage" / "events.ndjson").open()]
    assert {"train.toy", "score.toy"} <= {event["job"]["name"] for event in events}


def test_the_models_of_the_platform_are_two() -> None:
    assert list(MODELS) == ["demand", "margin_risk"]
    for name, spec in MODELS.items():
        assert spec.name == name
        assert reads_of(name)
        assert reads_of(spec.baseline) <= reads_of(name)
    assert reads_of("nobody") == frozenset()
