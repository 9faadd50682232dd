"""Train, approve, score, fall back: on a small retailer, in a fresh register."""

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import models_ml
from models_ml.demand.settings import DemandSettings
from models_ml.errors import EvidenceMissingError
from models_ml.lifecycle.comparison import compare_with_champion
from models_ml.lifecycle.registry import champion, get_version, move_champion


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("register")


@pytest.fixture(scope="module")
def where(place: Path) -> dict:
    return {"tracking_uri": f"sqlite:///{place}/mlflow.db", "artifact_root": place / "artifacts"}


@pytest.fixture(scope="module")
def trained(small: Path, quick: DemandSettings, where: dict) -> models_ml.TrainedModel:
    return models_ml.train_demand(small, "R1", git_commit="abc", settings=quick, **where)


def _score(small: Path, where: dict, place: Path) -> tuple[models_ml.Scored, pd.DataFrame]:
    done = models_ml.score_demand(small, "R1", output=place / "forecast.parquet", **where)
    return done, pd.read_parquet(done.path)


def test_order_of_events(
    small: Path, quick: DemandSettings, where: dict, place: Path, trained: models_ml.TrainedModel
) -> None:
    """Nothing scores before its approval; wrong evidence moves nothing; a changed or missing artifact
    falls back."""
    uri, root = where["tracking_uri"], where["artifact_root"]
    assert not trained.reused
    assert trained.metrics["category_demand_wape"] > 0

    done, rows = _score(small, where, place)
    assert done.model_name == "moving-average-13"
    assert set(rows["fallback_reason"]) == {"no approved demand model"}

    good = models_ml.evidence_for(
        uri, trained.version, name="demand", approved_by="ml_reviewer", decision_id="D1"
    )
    for bad in (
        replace(good, approved_by="svc-trainer"),
        replace(good, approved_by=" "),
        replace(good, decision_id=""),
        replace(good, artifact_digest="0" * 64),
    ):
        with pytest.raises(EvidenceMissingError):
            move_champion(uri, bad)
    assert champion(uri, "demand") is None

    assert models_ml.promote(uri, root, good).aliases == ("champion",)
    done, rows = _score(small, where, place)
    assert (done.model_name, done.model_version, done.fallback_reason) == ("demand", trained.version, "")
    assert set(rows["method"]) <= {"model", "category_share", "cold_start"}
    assert (rows.groupby(["tier", "location_id", "item"]).size() == 8).all()
    assert (rows["release_id"] == "R1").all()
    assert (rows["q10"] <= rows["q50"]).all()
    assert (rows["q50"] <= rows["q975"]).all()

    away = place / "mlflow.away"
    shutil.move(place / "mlflow.db", away)
    done, _ = _score(small, where, place)
    assert done.model_version == trained.version
    assert "last approved model used" in done.note
    shutil.move(away, place / "mlflow.db")

    version = get_version(uri, trained.version, "demand")
    document = version.bundle / "category" / "model.json"
    text = document.read_text()
    document.write_text(text + " ")
    done, rows = _score(small, where, place)
    assert done.model_name == "moving-average-13"
    assert rows["fallback_reason"].str.contains("not the artifact that was approved").all()
    with pytest.raises(EvidenceMissingError):
        move_champion(uri, good)
    document.write_text(text)


def test_unchanged_inputs_give_the_version_back(
    small: Path, quick: DemandSettings, where: dict, trained: models_ml.TrainedModel
) -> None:
    again = models_ml.train_demand(small, "R2", git_commit="abc", settings=quick, **where)
    assert again.reused
    assert (again.version, again.digest) == (trained.version, trained.digest)


def test_review_sets_challenger_beside_champion(where: dict, trained: models_ml.TrainedModel) -> None:
    comparison = compare_with_champion(where["tracking_uri"], trained.version, "demand")
    assert comparison.challenger.version.digest == trained.digest
    assert {row["model"] for row in comparison.challenger.evaluation} >= {"demand", "moving average 13"}
    assert any(pair.metric == "category_demand_wape" for pair in comparison.metrics)


def test_served_model_predicts_from_its_example(where: dict, trained: models_ml.TrainedModel) -> None:
    import mlflow

    mlflow.set_tracking_uri(where["tracking_uri"])
    served = mlflow.pyfunc.load_model(f"models:/demand/{trained.version}")
    example = served.input_example
    assert list(served.predict(example).columns)[-1] == "mean"
    assert served.metadata.signature is not None
