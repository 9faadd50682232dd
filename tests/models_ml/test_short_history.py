"""Little history, or none of something: a forecast by the baseline, or a sentence on what is needed."""

from collections.abc import Iterable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from models_ml.demand.monitoring import sample_category_features
from models_ml.demand.score import FORECAST_COLUMNS, score_demand
from models_ml.demand.settings import DemandSettings
from models_ml.demand.train import train_demand
from models_ml.errors import NotEnoughHistoryError
from models_ml.evaluate.baselines import BASELINES
from models_ml.evaluate.forecast import HORIZON, LEVELS, QUANTILE_COLUMNS
from models_ml.margin_risk.score import RISK_COLUMNS, score_margin_risk
from models_ml.margin_risk.train import train_margin_risk
from tests.models_ml.small_warehouse import write_features

FIRST_WEEK = 2
PROMOTIONS = (
    "feat_promotion_plan_category_week",
    "feat_promotion_plan_product_week",
    "feat_discount_plan_category_week",
)
TRACKED = ("feat_demand_category_week", "feat_demand_product_week", "feat_margin_category_week")
NOTHING = (*TRACKED, *PROMOTIONS, "feat_cold_start_pair", "feat_demand_pool_week", "feat_margin_pool_week")


def _shop(place: Path, weeks: int, without: Iterable[str] = ()) -> Path:
    path = write_features(place / "warehouse.duckdb", last_week=FIRST_WEEK + weeks - 1)
    with duckdb.connect(str(path)) as con:
        for table in without:
            con.execute(f"DELETE FROM {table}")
    return path


def _where(place: Path) -> dict:
    return {"tracking_uri": f"sqlite:///{place}/mlflow.db", "artifact_root": place / "artifacts"}


@pytest.mark.parametrize("weeks", [1, 2, 5, 15, 31])
def test_one_week_of_sales_is_enough_for_a_forecast(tmp_path: Path, weeks: int) -> None:
    """By the moving average of what there is; the oracle takes the mean of the raw weekly units."""
    shop = _shop(tmp_path, weeks)
    scored = score_demand(shop, "R1", output=tmp_path / "forecast.parquet", **_where(tmp_path))
    assert scored.fallback_reason == "no approved demand model"
    rows = pd.read_parquet(scored.path)
    first = rows[(rows["tier"] == "category") & (rows["location_id"] == "S0") & (rows["item"] == "C1")]
    with duckdb.connect(str(shop), read_only=True) as con:
        units = con.execute(
            "SELECT sum(units) AS units FROM sales WHERE location_id = 'S0' AND category = 'C1' "
            "GROUP BY week ORDER BY week"
        ).df()
    recorded = units["units"].to_numpy()
    assert len(recorded) == weeks
    np.testing.assert_allclose(first["mean"], recorded[-13:].mean(), atol=0.01)
    assert list(first["horizon"]) == list(range(1, HORIZON + 1))
    quantiles = rows[[*QUANTILE_COLUMNS]].to_numpy()
    assert (np.diff(quantiles, axis=1) >= 0).all() and (quantiles >= 0).all()
    assert (rows["method"] != "model").all()


@pytest.mark.parametrize("without", [PROMOTIONS, TRACKED, ("feat_stockout_product_week",), NOTHING],
                         ids=["promotions", "history", "stock", "anything"])  # fmt: skip
def test_what_did_not_come_is_empty_and_typed(tmp_path: Path, without: tuple[str, ...]) -> None:
    shop = _shop(tmp_path, 20, without)
    scored = score_demand(shop, "R1", output=tmp_path / "forecast.parquet", **_where(tmp_path))
    rows = pd.read_parquet(scored.path)
    assert set(rows.columns) == set(FORECAST_COLUMNS)
    assert rows["mean"].notna().all()
    tiers = set(rows["tier"])
    assert tiers == (set() if without == NOTHING else {"category", "product", "rest"})
    if without == TRACKED:
        assert (rows["method"] == "cold_start").all()
    risk = score_margin_risk(shop, "R1", output=tmp_path / "risk.parquet", **_where(tmp_path))
    assert set(pd.read_parquet(risk.path).columns) == set(RISK_COLUMNS)
    if "feat_margin_category_week" in without:
        assert "needs a category that sells at a store in most weeks" in risk.fallback_reason


def test_without_costs_margin_risk_waits_for_them(tmp_path: Path) -> None:
    shop = _shop(tmp_path, 30)
    with duckdb.connect(str(shop)) as con:
        for table in ("feat_margin_category_week", "feat_margin_pool_week"):
            con.execute(f"UPDATE {table} SET gross_margin = NULL")
    scored = score_margin_risk(shop, "R1", output=tmp_path / "risk.parquet", **_where(tmp_path))
    assert (scored.rows, scored.fallback_reason) == (0, "Margin risk needs the landed cost of what is sold.")
    with pytest.raises(NotEnoughHistoryError, match="landed cost"):
        train_margin_risk(shop, "R1", git_commit="x", **_where(tmp_path))


@pytest.mark.parametrize(("weeks", "without", "sentence"), [
    (1, (), "needs 32 complete weeks of sales; there are 1"),
    (31, (), "needs 32 complete weeks of sales; there are 31"),
    (35, TRACKED, "needs a category that sells at a store in most weeks"),
])  # fmt: skip
def test_training_says_what_it_needs(
    tmp_path: Path, quick: DemandSettings, weeks: int, without: tuple[str, ...], sentence: str
) -> None:
    shop = _shop(tmp_path, weeks, without)
    with pytest.raises(NotEnoughHistoryError, match=sentence):
        train_demand(shop, "R1", git_commit="x", settings=quick, **_where(tmp_path))
    with pytest.raises(NotEnoughHistoryError, match="Margin risk needs"):
        train_margin_risk(
            _shop_of(tmp_path, min(weeks, 20), without), "R1", git_commit="x", **_where(tmp_path)
        )


def _shop_of(place: Path, weeks: int, without: tuple[str, ...]) -> Path:
    (place / "margin").mkdir()
    return _shop(place / "margin", weeks, without)


def test_thirty_two_weeks_train_without_promotions_or_products(tmp_path: Path, quick: DemandSettings) -> None:
    """The least history that is enough; a tier in which nothing sells throughout is left to its category."""
    shop = _shop(tmp_path, 32, (*PROMOTIONS, "feat_demand_product_week"))
    trained = train_demand(shop, "R1", git_commit="x", settings=quick, **_where(tmp_path))
    assert {row["tier"] for row in trained.evaluation} == {"category"}


def test_nothing_is_watched_before_there_is_a_past(tmp_path: Path) -> None:
    assert sample_category_features(_shop(tmp_path, 3), {}, None) is None


@pytest.mark.parametrize("baseline", BASELINES.values(), ids=list(BASELINES))
def test_baselines_of_one_week_or_no_series(baseline) -> None:
    one = baseline(np.array([[4.0], [0.0]]), 0)
    np.testing.assert_array_equal(one.mean, [[4.0] * HORIZON, [0.0] * HORIZON])
    assert (np.diff(one.quantiles, axis=-1) >= 0).all() and one.quantiles[0, 0, 3] == 4
    assert baseline(np.zeros((0, 5)), 4).quantiles.shape == (0, HORIZON, len(LEVELS))
