"""Margin risk: target and shortfall by hand, features that know only the past, chances that add up."""

import json
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from models_ml.margin_risk.backtest import fit_weeks, rolling_origin_backtest
from models_ml.margin_risk.baselines import BASELINES, last_four_weeks_repeat
from models_ml.margin_risk.bundle import load_bundle, save_bundle
from models_ml.margin_risk.calibration import calibrate
from models_ml.margin_risk.features import build
from models_ml.margin_risk.model import MarginRiskModel, fit
from models_ml.margin_risk.panel import MarginPanel, read_margin_panel
from models_ml.margin_risk.reasons import reasons
from models_ml.margin_risk.scores import calibration_error, margin_table, money_captured
from models_ml.margin_risk.settings import MarginRiskSettings
from models_ml.margin_risk.target import shortfall, target_rate
from tests.models_ml.small_warehouse import write_features
from tests.seeds import fixed_generator

ORIGIN = 36  # column; week 38
QUICK = MarginRiskSettings(rounds=12, depth=3, least_child_weight=2, threads=1)


@pytest.fixture(scope="module")
def panel(small: Path) -> MarginPanel:
    return read_margin_panel(small)


@pytest.fixture(scope="module")
def model(panel: MarginPanel) -> MarginRiskModel:
    return fit(panel, ORIGIN, QUICK)


def test_target_and_shortfall_equal_hand_sql(small: Path, panel: MarginPanel) -> None:
    """The quarter's rate and the money lost against it, from the weekly table in SQL."""
    with duckdb.connect(str(small), read_only=True) as con:
        by_hand = con.execute(
            """SELECT location_id, category,
                sum(gross_margin) FILTER (week BETWEEN 26 AND 38)
                    / sum(net_sales) FILTER (week BETWEEN 26 AND 38) AS target,
                target * coalesce(sum(net_sales) FILTER (week BETWEEN 39 AND 42), 0)
                    - coalesce(sum(gross_margin) FILTER (week BETWEEN 39 AND 42), 0) AS short
            FROM feat_margin_category_week GROUP BY ALL ORDER BY ALL"""
        ).df()
    assert int(panel.demand.weeks[ORIGIN]) == 38
    assert len(by_hand) == len(panel.demand.items) > 40
    np.testing.assert_allclose(target_rate(panel, ORIGIN), by_hand["target"], rtol=1e-9)
    np.testing.assert_allclose(shortfall(panel, ORIGIN), by_hand["short"], atol=1e-9)
    with pytest.raises(IndexError):
        shortfall(panel, len(panel.demand.weeks) - 4)


def test_features_and_rules_know_only_the_past(tmp_path: Path, panel: MarginPanel) -> None:
    """Sales that turn absurd after the origin, at an unchanged plan, change nothing that is read at it."""
    leaked = read_margin_panel(write_features(tmp_path / "spoilt.duckdb", poison_after=38))
    np.testing.assert_array_equal(build(panel, ORIGIN).values, build(leaked, ORIGIN).values)
    for name, rule in BASELINES.items():
        for one, other in zip(rule(panel, ORIGIN), rule(leaked, ORIGIN), strict=True):
            np.testing.assert_allclose(one, other, err_msg=name)
    assert not np.allclose(shortfall(panel, ORIGIN), shortfall(leaked, ORIGIN))


def test_planned_promotions_are_read_and_realised_discounts_are_not(panel: MarginPanel) -> None:
    ahead = slice(ORIGIN + 1, ORIGIN + 5)
    plain = build(panel, ORIGIN)
    column = plain.names.index("mailer_depth_planned")
    expected = panel.plan["mailer_depth"][:, ahead].mean(1)
    np.testing.assert_allclose(plain.values[:, column], expected, rtol=1e-6)
    assert 0 < expected.mean() < 0.1
    panel.money.discounts[:, ahead] += 1e3
    try:
        np.testing.assert_array_equal(build(panel, ORIGIN).values, plain.values)
    finally:
        panel.money.discounts[:, ahead] -= 1e3


def test_contributions_and_base_sum_to_the_chance(panel: MarginPanel, model: MarginRiskModel) -> None:
    features = build(panel, ORIGIN)
    added, kinds, base = model.contributions(features)
    np.testing.assert_allclose(expit(base + added.sum(1)), model.predict(features).probability, atol=1e-5)
    assert set(kinds) == set(features.drivers)
    why = reasons(model, features, plan_known=True)
    assert any(why)
    for i, row in enumerate(why):
        effects = [abs(reason["effect"]) for reason in row]
        assert effects == sorted(effects, reverse=True)
        for reason in row:
            k = kinds.index(reason["driver"])
            without = expit(base + added[i].sum() - added[i, k])
            assert np.isclose(reason["effect"], expit(base + added[i].sum()) - without, atol=1e-4)
            assert reason["words"]


def test_same_seed_same_model_and_it_survives_saving(
    panel: MarginPanel, model: MarginRiskModel, tmp_path: Path
) -> None:
    digests = [save_bundle(m, tmp_path / n) for m, n in ((model, "a"), (fit(panel, ORIGIN, QUICK), "b"))]
    assert digests[0] == digests[1]
    features = build(panel, ORIGIN)
    again = load_bundle(tmp_path / "a", digests[0]).predict(features)
    np.testing.assert_array_equal(again.probability, model.predict(features).probability)


def test_fit_reads_no_outcome_that_lies_after_its_origin(
    tmp_path: Path, model: MarginRiskModel, panel: MarginPanel
) -> None:
    """The bits of a model fitted at week 38 do not depend on anything sold later."""
    leaked = read_margin_panel(write_features(tmp_path / "spoilt.duckdb", poison_after=38))
    save_bundle(model, tmp_path / "a")
    save_bundle(fit(leaked, ORIGIN, QUICK), tmp_path / "b")
    for name in ("chance.ubj", "severity.ubj"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_calibration_brings_overconfident_chances_back() -> None:
    """Log-odds twice too far apart come back to the shares that were drawn; sizes to the money lost."""
    rng = fixed_generator(11)
    truth = rng.normal(0, 1, 40_000)
    missed = rng.random(40_000) < expit(truth)
    outcome = np.where(missed, rng.gamma(2, 5, 40_000), -1.0)
    fixed = calibrate(2 * truth, np.full(40_000, 5.0), outcome)
    assert abs(fixed.slope - 0.5) < 0.02
    assert abs(fixed.intercept) < 0.03
    assert abs(fixed.size - 2) < 0.05
    assert calibration_error(expit(2 * truth), missed) > 0.08
    assert calibration_error(expit(fixed.slope * 2 * truth + fixed.intercept), missed) < 0.015


def test_scores_by_hand() -> None:
    outcome = np.array([10.0, -3, 30, -1, 0, -2, 60, -1, -1, -1])
    assert money_captured(np.arange(10)[::-1].astype(float), outcome) == 0.1
    assert money_captured(np.array([0, 0, 0, 0, 0, 0, 9.0, 0, 0, 0]), outcome) == 0.6
    chance = np.repeat([0.2, 0.8], 50)
    missed = np.concatenate([np.arange(50) < 15, np.arange(50) < 40])
    assert np.isclose(calibration_error(chance, missed[::1]), _by_bins(chance, missed))


def _by_bins(chance: np.ndarray, missed: np.ndarray) -> float:
    frame = pd.DataFrame({"chance": chance, "missed": missed, "bin": np.repeat(range(10), 10)})
    means = frame.groupby("bin").mean()
    return float((means["chance"] - means["missed"]).abs().mean())


def test_rolling_table_sets_model_beside_every_rule(panel: MarginPanel) -> None:
    weeks = fit_weeks(panel, 45, QUICK)
    assert weeks[-1] == 45
    assert np.diff(weeks).tolist() == [4] * (len(weeks) - 1)
    result = rolling_origin_backtest(panel, 45, QUICK)
    table = margin_table(result, [37, 45])
    overall = table[table["slice"] == "all"].set_index("model")
    assert set(overall.index) == {"margin_risk", *BASELINES}
    assert overall.loc["margin_risk", "auc"] > overall.loc["last four weeks repeat", "auc"]
    assert {"department", "region", "sales", "promotion"} <= set(table["slice"])
    repeat = last_four_weeks_repeat(panel, panel.demand.column(45))
    assert set(np.unique(repeat.probability)) <= {0.0, 1.0}
    np.testing.assert_allclose(repeat.money, repeat.shortfall * repeat.probability)


def test_train_approve_score_and_fall_back(small: Path, tmp_path: Path) -> None:
    """Nothing scores before its approval; afterwards every frequent seller is scored, with reasons."""
    import models_ml
    from models_ml.margin_risk.score import score_margin_risk
    from models_ml.margin_risk.train import train_margin_risk

    where = {"tracking_uri": f"sqlite:///{tmp_path}/mlflow.db", "artifact_root": tmp_path / "artifacts"}
    out = tmp_path / "margin_risk.parquet"
    trained = train_margin_risk(small, "R1", git_commit="abc", settings=QUICK, **where)
    assert trained.name == "margin_risk"
    assert trained.metrics["model_auc"] > 0
    evidence = {path.name: path.stat().st_size for path in tmp_path.rglob("evidence/*")}
    assert set(evidence) == {
        "calibration.png", "shortfall_money_found.png", "auc_by_department.png", "evidently_evaluation.html",
        "feature_lineage.json", "evaluation_slices.csv",
    }  # fmt: skip
    assert min(evidence.values()) > 500
    again = train_margin_risk(small, "R2", git_commit="abc", settings=QUICK, **where)
    assert again.reused
    assert again.version == trained.version

    score_margin_risk(small, "R1", output=out, **where)
    rows = pd.read_parquet(out)
    assert rows["is_fallback"].all()
    assert set(rows["fallback_reason"]) == {"no approved margin risk model"}
    assert rows["is_simulated"].all()

    evidence = models_ml.evidence_for(
        where["tracking_uri"],
        trained.version,
        approved_by="ml_reviewer",
        decision_id="D1",
        name="margin_risk",
    )
    models_ml.promote(where["tracking_uri"], where["artifact_root"], evidence)
    score_margin_risk(small, "R1", output=out, **where)
    rows = pd.read_parquet(out)
    by_model = rows[~rows["is_fallback"]]
    assert set(by_model["model_version"]) == {trained.version}
    assert len(by_model) > 40
    assert not rows.duplicated(["location_id", "category"]).any()
    np.testing.assert_allclose(rows["money_at_risk"], rows["probability"] * rows["expected_shortfall"])
    reason = json.loads(by_model.iloc[0]["reasons"])[0]
    assert set(reason) == {"driver", "effect", "words"}

    import mlflow

    served = mlflow.pyfunc.load_model(f"models:/margin_risk/{trained.version}")
    assert next(iter(served.predict(served.input_example).columns)) == "probability"
