"""Levels add up to the bit: category = its products + rest, and so any region or department."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import models_ml
from models_ml.demand.panel import Panel, read_panel
from models_ml.demand.reconcile import category_of, reconcile, rest_share
from models_ml.demand.settings import DemandSettings
from models_ml.demand.tail import tail_forecast
from models_ml.evaluate.forecast import Forecast
from tests.seeds import generator

ORIGIN = 43


def _forecast(panel: Panel, seed: int) -> Forecast:
    rng = generator(seed)
    mean = rng.gamma(2, 3, (len(panel.items), 8))
    return Forecast(mean[..., None] * np.linspace(0.2, 2, 7), mean)


@pytest.fixture(scope="module")
def panels(small: Path) -> tuple[Panel, Panel]:
    return read_panel(small, "category"), read_panel(small, "product")


def test_parts_equal_their_category_and_the_chain_does_not_move(panels: tuple[Panel, Panel]) -> None:
    categories, products = panels
    top = products.select(np.arange(0, len(products.items), 3))
    before, own = _forecast(categories, 1), _forecast(top, 2)
    own = Forecast(own.quantiles / 4, own.mean / 4)
    levels = reconcile(categories, before, top, own, ORIGIN)
    tail = products.select(np.setdiff1d(np.arange(len(products.items)), np.arange(0, len(products.items), 3)))
    shared = tail_forecast(tail, top, categories, levels.rest, ORIGIN)
    parts = pd.concat([
        pd.DataFrame(levels.product.mean).assign(at=category_of(top, categories)),
        pd.DataFrame(shared.forecast.mean).assign(at=category_of(tail, categories)),
        pd.DataFrame(shared.other).assign(at=np.arange(len(categories.items))),
    ])  # fmt: skip
    summed = parts.sample(frac=1, random_state=generator(3)).groupby("at").sum().to_numpy()
    np.testing.assert_array_equal(summed, levels.category.mean)
    assert (shared.other >= 0).all()
    assert (shared.forecast.mean >= 0).all()
    assert np.isclose(levels.category.mean.sum(), before.mean.sum(), rtol=1e-3)


def test_both_levels_give_way_by_the_same_money(panels: tuple[Panel, Panel]) -> None:
    """By hand: one category forecast at 8, its parts at 12 of 16: both go to the middle."""
    categories, products = panels
    one = categories.select(np.array([0]))
    pair = products.select(
        np.flatnonzero((products.locations == one.locations[0]) & (products.categories == one.items[0]))
    )
    share = float(rest_share(one, pair, ORIGIN)[0])
    assert share == 0  # every unit of the small retailer is sold by a tracked product
    flat = np.ones((1, 8, 7))
    own = Forecast(np.ones((2, 8, 7)), np.full((2, 8), 6.0))
    levels = reconcile(one, Forecast(flat, np.full((1, 8), 8.0)), pair, own, ORIGIN)
    np.testing.assert_allclose(levels.category.mean, 10)
    np.testing.assert_allclose(levels.product.mean, 5, atol=1e-3)
    np.testing.assert_allclose(levels.product.quantiles, 5 / 6)


def test_scored_rows_add_up_by_category_department_and_region(
    small: Path, quick: DemandSettings, tmp_path: Path
) -> None:
    where = {"tracking_uri": f"sqlite:///{tmp_path}/mlflow.db", "artifact_root": tmp_path / "artifacts"}
    trained = models_ml.train_demand(small, "R1", git_commit="abc", settings=quick, **where)
    evidence = models_ml.evidence_for(
        where["tracking_uri"], trained.version, name="demand", approved_by="ml_reviewer", decision_id="D1"
    )
    models_ml.promote(where["tracking_uri"], where["artifact_root"], evidence)
    done = models_ml.score_demand(small, "R1", output=tmp_path / "f.parquet", **where)
    rows = pd.read_parquet(done.path)
    assert set(rows["tier"]) == {"category", "product", "rest"}
    rows["region"] = np.where(rows["location_id"] < "S3", "East", "West")
    for level in (["location_id", "category"], ["department"], ["region"], ["region", "department"], []):
        keys = [*level, "week"]
        whole = rows[rows["tier"] == "category"].groupby(keys)["mean"].sum()
        parts = (
            rows[rows["tier"] != "category"]
            .sample(frac=1, random_state=generator(1))
            .groupby(keys)["mean"]
            .sum()
        )
        pd.testing.assert_series_equal(whole, parts, check_exact=True)
        assert len(whole) >= 8
    new = rows[rows["method"] == "cold_start"]
    assert set(new.loc[new["tier"] == "category", "location_id"]) == {"S9"}
    assert set(new.loc[new["tier"] == "product", "item"]) == {"P19"}
    assert (new["mean"] > 0).all()
    for level in (["location_id", "category"], []):
        unmet = [rows[rows["tier"] == tier].groupby([*level, "week"])["unmet_units"].sum()
                 for tier in ("category", "product")]  # fmt: skip
        pd.testing.assert_series_equal(unmet[0].loc[unmet[1].index], unmet[1], check_exact=True)
    assert set(rows.loc[(rows["tier"] == "product") & (rows["unmet_units"] > 0), "item"]) == {"P20"}
