"""Releases of retailers who lack something: models say in words what is missing, and files have columns."""

from types import SimpleNamespace

import duckdb
import numpy as np
import pandas as pd
import pytest

from models_ml.demand.evaluation import slices
from models_ml.demand.score import FORECAST_COLUMNS
from models_ml.drift.changes import _log_ratio, before, by_week
from models_ml.drift.observe import Observed
from models_ml.errors import NotEnoughHistoryError
from models_ml.lifecycle.no_scores import write_no_scores
from models_ml.outcomes import measure
from models_ml.recommend.inputs.demand_over import weekly_by_pair
from models_ml.recommend.inputs.elasticity import learn_elasticities

POSITIONS = pd.DataFrame({"location_id": ["S1"], "product_id": ["P1"], "location_type": ["store"]})


def test_no_scores_are_a_file_with_columns_and_a_reason(tmp_path):
    done = write_no_scores(
        tmp_path / "demand.parquet",
        FORECAST_COLUMNS,
        baseline="rule",
        release_id="R",
        reason="two weeks",
    )
    assert (done.rows, done.fallback_reason, done.model_name) == (0, "two weeks", "rule")
    described = duckdb.sql(f"describe from '{done.path}'").fetchall()
    assert {name: kind for name, kind, *_ in described} == FORECAST_COLUMNS
    mean, variance, how = weekly_by_pair(done.path, POSITIONS.assign(replenished_from=None))
    assert mean.shape == variance.shape == (1, 8)
    assert how["method"].tolist() == ["none"]


def test_without_a_whole_week_there_is_nothing_to_compare():
    nothing = pd.DataFrame({"week": pd.Series(dtype=int)})
    with pytest.raises(NotEnoughHistoryError, match="No whole week"):
        _ = Observed(nothing, nothing, nothing, nothing, nothing).last_week


def test_without_stock_no_decision_is_measured(tmp_path):
    warehouse = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as con:
        con.execute("create table fct_inventory_daily (date_day date)")
    settled = pd.DataFrame({"recommendation_id": ["R1"], "as_of": ["2025-01-01"]})
    assert measure(warehouse, settled, tmp_path / "outcomes.parquet") == 0
    assert not (tmp_path / "outcomes.parquet").exists()


def test_without_a_price_change_no_elasticity_is_learnt():
    columns = ("department", "category", "lift", "price", "display", "mailer", "weight")
    learnt = learn_elasticities(pd.DataFrame({name: pd.Series(dtype=float) for name in columns}))
    assert learnt.empty
    assert {"department", "category", "elasticity", "department_mean"} <= set(learnt.columns)


def test_without_promotions_nothing_is_lost():
    weeks = pd.Series(range(1, 13))
    plans = pd.DataFrame({"week": [], "region": pd.Categorical([]), "lines": []})
    lines = by_week(plans, "region", "lines", weeks)
    assert _log_ratio(lines, before(lines)).shape == (12, 0)


def test_few_series_are_judged_all_together():
    panel = SimpleNamespace(
        items=np.array(["milk"]), departments=np.array(["DAIRY"]), regions=np.array(["R"]),
        units=np.ones((1, 40)), tier="category", plan={"mailer_share": np.zeros((1, 60))},
    )  # fmt: skip
    assert list(slices(panel, 30)) == [("all", "all")]
