"""A reviewer signs in to MLflow as `steelyard serve` starts it and finds the evidence of a version."""

import os
import subprocess
import time
from contextlib import contextmanager

import httpx
import pytest

from api.servers.serve import mlflow_server
from api.settings import Settings
from models_ml.demand.settings import DemandSettings
from models_ml.demand.train import train_demand
from tests.browser import window
from tests.models_ml.small_warehouse import write_features

QUICK = DemandSettings(rows=2000, quantile_rounds=6, mean_rounds=6, depth=3, least_child_weight=5, threads=1)
PORT = 8361


@contextmanager
def serving(settings: Settings):
    """The server of `serve`, stopped by its process."""
    server = mlflow_server(settings)
    with (settings.var_dir / "mlflow.log").open("wb") as log:
        process = subprocess.Popen(
            server.command, env=os.environ | server.environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        for _ in range(240):
            try:
                if httpx.get(server.health, timeout=2).is_success:
                    break
            except httpx.TransportError:
                time.sleep(0.5)
        else:
            pytest.fail((settings.var_dir / "mlflow.log").read_text()[-2000:])
        yield server.url
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory):
    """A version of the small retailer's model in a registry of its own."""
    place = tmp_path_factory.mktemp("mlflow")
    settings = Settings(var_dir=place / "var", mlflow_port=PORT)
    settings.var_dir.mkdir()
    small = write_features(place / "warehouse.duckdb")
    trained = train_demand(
        small, "R1", tracking_uri=settings.mlflow_uri, artifact_root=settings.mlflow_artifacts,
        git_commit="0123abc", settings=QUICK,
    )  # fmt: skip
    return settings, trained


def test_a_reviewer_finds_the_evidence_in_mlflows_own_pages(reviewed, browser) -> None:
    settings, trained = reviewed
    with serving(settings) as url:
        assert httpx.get(f"{url}/api/2.0/mlflow/registered-models/search").status_code == 401
        password = (settings.var_dir / "mlflow" / "admin_password").read_text()
        page = window(
            browser,
            http_credentials={"username": "admin", "password": password},
            viewport={"width": 1500, "height": 1000},
        )
        shots = os.environ.get("STEELYARD_TEST_SCREENSHOTS")
        page.goto(f"{url}/#/models/demand/versions/{trained.version}")
        page.get_by_text("artifact_digest").first.wait_for()
        for tag in ("release_id", "git_commit", "0123abc", "trained_by", "svc-trainer"):
            page.get_by_text(tag, exact=False).first.wait_for()
        run = httpx.get(
            f"{url}/api/2.0/mlflow/model-versions/get",
            params={"name": "demand", "version": trained.version},
            auth=("admin", password),
        ).json()["model_version"]
        experiment = httpx.get(
            f"{url}/api/2.0/mlflow/runs/get", params={"run_id": run["run_id"]}, auth=("admin", password)
        ).json()["run"]["info"]["experiment_id"]
        page.goto(f"{url}/#/experiments/{experiment}/runs/{run['run_id']}/artifacts")
        page.get_by_text("model_card.md").first.wait_for()
        page.get_by_text("evidence", exact=True).first.click()
        for name in (
            "accuracy_by_horizon.png", "calibration.png", "accuracy_by_department.png",
            "evidently_evaluation.html", "feature_lineage.json",
        ):  # fmt: skip
            page.get_by_text(name).first.wait_for()
        page.get_by_text("calibration.png").first.click()
        page.locator("img[src^='blob:'], img[src*='calibration']").first.wait_for()
        if shots:
            page.screenshot(path=f"{shots}/mlflow.png")
        page.context.close()


def test_the_version_carries_signature_example_requirements_and_no_pickle(reviewed) -> None:
    import mlflow

    settings, trained = reviewed
    mlflow.set_tracking_uri(settings.mlflow_uri)
    model = mlflow.pyfunc.load_model(f"models:/demand/{trained.version}")
    assert model.metadata.signature is not None
    assert {"q10", "q50", "q90", "mean"} <= set(model.predict(model.input_example).columns)
    folder = settings.mlflow_artifacts
    requirements = next(folder.rglob("requirements.txt")).read_text()
    assert "xgboost-cpu==" in requirements
    assert not list(folder.rglob("*.pkl"))
