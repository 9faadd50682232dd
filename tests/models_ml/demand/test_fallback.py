"""Where the model may not speak, the rule does or a person must look; every row says which and why."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models_ml.demand.fallback import Restraints, states_by_pair
from models_ml.demand.model import DemandModel, fit
from models_ml.demand.panel import Panel, read_panel
from models_ml.demand.settings import DemandSettings
from models_ml.drift.retraining import advise
from models_ml.evaluate.baselines import moving_average
from models_ml.lifecycle.drift_policy import default_policy
from models_ml.lifecycle.open_alert import OpenAlert

REGIONS = {f"S{i}": "West" if i < 2 else "East" for i in range(6)}


def alert(kind: str, segment_type: str, segment: str) -> OpenAlert:
    return OpenAlert("demand", kind, "", segment_type, segment, 2.0, 1.0, f"{kind} in {segment}")


@pytest.fixture(scope="module")
def panel(small: Path) -> Panel:
    return read_panel(small, "category")


@pytest.fixture(scope="module")
def model(panel: Panel, quick: DemandSettings) -> DemandModel:
    return fit(panel, len(panel.weeks) - 1, quick)


def rows_of(panel: Panel, **more) -> pd.DataFrame:
    return pd.DataFrame({
        "tier": panel.tier, "location_id": panel.locations, "item": panel.items,
        "department": panel.departments, "category": panel.categories, "method": "model",
        "fallback_reason": "",
    } | more)  # fmt: skip


def test_a_series_beyond_what_training_saw_takes_the_rule_and_says_so(
    panel: Panel, model: DemandModel
) -> None:
    origin = len(panel.weeks) - 1
    units = panel.units.copy()
    units[7] *= 500
    grown = replace(panel, measures={**panel.measures, "units": units})
    limits = Restraints()
    limited, plain = limits.forecast(model, grown, origin), model.forecast(grown, origin)
    rule = moving_average(units, origin)
    others = np.arange(len(units)) != 7
    np.testing.assert_array_equal(limited.mean[7], rule.mean[7])
    np.testing.assert_array_equal(limited.mean[others], plain.mean[others])
    marked = limits.mark(rows_of(grown))
    assert list(np.flatnonzero(marked["is_fallback"])) == [7]
    assert "outside the training range" in marked["fallback_reason"][7]
    assert marked["model_state"][7] == "fallback"


def test_the_policy_decides_between_the_rule_and_a_person(panel: Panel, model: DemandModel) -> None:
    """Forecast drift in a region: the rule there. A lost feed of a store: the model's number, a person."""
    alerts = [alert("prediction_shift", "region", "West"), alert("lost_feed", "location", "S4")]
    limits = Restraints(alerts, REGIONS)
    origin = len(panel.weeks) - 1
    limited, plain = limits.forecast(model, panel, origin), model.forecast(panel, origin)
    west = np.isin(panel.locations, ["S0", "S1"])
    np.testing.assert_array_equal(limited.mean[west], moving_average(panel.units, origin).mean[west])
    np.testing.assert_array_equal(limited.mean[~west], plain.mean[~west])
    marked = limits.mark(rows_of(panel))
    assert (marked["is_fallback"] == west).all()
    assert (marked.loc[west, "method"] == "moving_average").all()
    asked = (marked["location_id"] == "S4").to_numpy()
    assert (marked.loc[asked, "model_state"] == "drifted").all()
    assert marked.loc[asked, "fallback_reason"].str.startswith("a person must look: lost_feed").all()
    quiet = ~west & ~asked
    assert (marked.loc[quiet, "model_state"] == "champion").all()
    assert (marked.loc[quiet, "fallback_reason"] == "").all()


def test_without_a_model_every_row_is_a_fallback_with_its_reason(panel: Panel) -> None:
    rows = rows_of(panel, method="moving_average", fallback_reason="no approved demand model")
    marked = Restraints([alert("lost_feed", "all", "all")]).mark(rows)
    assert marked["is_fallback"].all()
    assert set(marked["fallback_reason"]) == {"no approved demand model"}


def test_alerts_are_read_from_the_monitored_release(small: Path, tmp_path: Path) -> None:
    assert Restraints.read(small, tmp_path / "drift.json").alerts == ()
    one = alert("lost_feed", "location", "S4")
    other = replace(one, model_name="margin_risk")
    (tmp_path / "drift.json").write_text(json.dumps({"alerts": [asdict(one), asdict(other)]}))
    assert Restraints.read(small, tmp_path / "drift.json").alerts == (one,)


def test_states_by_pair_name_what_is_not_plainly_the_champions(panel: Panel, tmp_path: Path) -> None:
    rows = rows_of(panel, tier="product", model_state="champion")
    rows.loc[3, "model_state"] = "drifted"
    rows.to_parquet(tmp_path / "f.parquet")
    assert states_by_pair(tmp_path / "f.parquet") == {(rows["location_id"][3], rows["item"][3]): "drifted"}


def test_every_kind_of_finding_has_a_policy() -> None:
    from models_ml.drift.findings import METHODS

    assert set(default_policy().while_alerting) == set(METHODS)


def results(week: int, **more) -> dict:
    return {"week": week, "aspect": "feature", "segment_type": "all", "segment": "all", "is_drifted": False,
            "alert_state": "quiet", "finding": None} | more  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "trained", "accuracy", "because"),
    [
        ([results(40)], None, None, "no approved model"),
        ([results(40)], 32, None, "8 weeks of data"),
        ([results(40, is_drifted=True), results(40), results(40)], 40, None, "33% of the watched features"),
        ([results(39, alert_state="alert"), results(40, alert_state="alert")], 40, None, "2 weeks in a row"),
        ([results(40, aspect="error", alert_state="alert", finding="wape 90%")], 40, None, "wape 90%"),
        ([results(40)], 40, (0.62, 0.61), "gains nothing"),
    ],
)
def test_retraining_is_recommended_because(rows, trained, accuracy, because) -> None:
    advice = advise(pd.DataFrame(rows), last_week=40, trained_through_week=trained, accuracy=accuracy)
    assert advice.is_recommended
    assert because in advice.sentence()


def test_a_quiet_young_model_is_left_alone() -> None:
    rows = [results(40), results(39, alert_state="alert"), results(40, segment_type="location")]
    advice = advise(pd.DataFrame(rows), last_week=40, trained_through_week=36, accuracy=(0.58, 0.61))
    assert not advice.is_recommended
    assert advice.sentence().startswith("no retraining")
