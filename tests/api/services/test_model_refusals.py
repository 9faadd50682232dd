"""What may not score does not score, and the audit tells who tried."""

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from api.services.model_service import ModelService, registration_of
from api.settings import Settings
from governance.approvals.model_registration import record_registration
from governance.errors import ConflictError, ForbiddenError
from governance.identity import Directory
from governance.store import OpsStore
from governance.store.migrate import upgrade
from governance.store.schema import audit_log, model_reviews
from models_ml.demand.score import score_demand
from models_ml.demand.settings import DemandSettings
from models_ml.demand.train import train_demand
from models_ml.lifecycle import registry
from tests.models_ml.small_warehouse import write_features

QUICK = DemandSettings(rows=2000, quantile_rounds=6, mean_rounds=6, depth=3, least_child_weight=5, threads=1)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("refusals")


@pytest.fixture(scope="module")
def settings(place):
    return Settings(var_dir=place / "var")


@pytest.fixture(scope="module")
def store(settings):
    settings.var_dir.mkdir()
    store = OpsStore(settings.ops_store_url)
    upgrade(store)
    yield store
    store.close()


@pytest.fixture(scope="module")
def where(settings):
    return {"tracking_uri": settings.mlflow_uri, "artifact_root": settings.mlflow_artifacts}


@pytest.fixture(scope="module")
def small(place):
    return write_features(place / "warehouse.duckdb")


@pytest.fixture(scope="module")
def score(small, place, models, where):
    """Score the small retailer, asking the ops store what may."""
    output = place / "forecasts" / "demand.parquet"
    return lambda: score_demand(small, "R1", output=output, approved=models.approved, **where)


@pytest.fixture(scope="module")
def version(small, where, store):
    """Trained by a person, so that self-approval can be tried."""
    trained = train_demand(small, "R1", git_commit="abc", settings=QUICK, trained_by="ml_reviewer", **where)
    registered = registry.get_version(where["tracking_uri"], trained.version, trained.name)
    assert record_registration(store, registration_of(registered), now=dt.datetime.now(dt.UTC))
    return trained


@pytest.fixture(scope="module")
def models(settings, store):
    return ModelService(settings, store)


def person(name: str):
    """`second` is another of the ML reviewers."""
    reviewer = Directory.load().user("ml_reviewer")
    return replace(reviewer, user=name) if name == "second" else reviewer


def last_entry(store: OpsStore) -> dict:
    with store.read() as conn:
        row = conn.execute(select(audit_log).order_by(audit_log.c.seq.desc()).limit(1)).mappings().one()
    return dict(row)


def approve(models, version, user: str) -> None:
    models.judge(
        person(user), "demand", version.version, decision="approve", reason="reviewed", request_id="t"
    )


def test_self_approval_is_refused_and_audited(models, store, version) -> None:
    with pytest.raises(ForbiddenError):
        approve(models, version, "ml_reviewer")
    entry = last_entry(store)
    assert (entry["action"], entry["actor"]) == ("model.refuse", "ml_reviewer")
    assert entry["object_id"] == f"model_version.demand/{version.version}"


def test_a_trainer_who_renames_the_trainer_in_mlflow_is_refused_in_words(models, store, version, where):
    client = registry.client(where["tracking_uri"])
    client.set_model_version_tag("demand", version.version, "trained_by", "svc-trainer")
    message = "who trained it is 'svc-trainer' in MLflow and 'ml_reviewer' in our record"
    try:
        for step in (lambda: approve(models, version, "ml_reviewer"),
                     lambda: models.promote(person("second"), "demand", version.version)):  # fmt: skip
            with pytest.raises(ConflictError, match=message):
                step()
            assert message in last_entry(store)["reason"]
    finally:
        client.set_model_version_tag("demand", version.version, "trained_by", "ml_reviewer")


def test_promotion_without_approval_is_refused_and_audited(models, store, version) -> None:
    with pytest.raises(ConflictError, match="has no approval"):
        models.promote(person("second"), "demand", version.version)
    assert last_entry(store)["action"] == "model.refuse"


def test_an_alias_moved_past_every_decision_does_not_score(store, version, score, where) -> None:
    """Even with forged tags in MLflow: the ops store is asked."""
    client = registry.client(where["tracking_uri"])
    client.set_registered_model_alias("demand", "champion", version.version)
    client.set_model_version_tag("demand", version.version, "approval.artifact_digest", version.digest)
    client.set_model_version_tag("demand", version.version, "approval.decision_id", "forged")
    done = score()
    assert done.model_name == "moving-average-13"
    assert "without an approval" in done.fallback_reason
    entry = last_entry(store)
    assert entry["action"] == "model.refuse"
    assert entry["reason"].startswith("alias champion")
    client.delete_registered_model_alias("demand", "champion")


def test_a_stale_approval_is_refused_and_audited(models, store, version) -> None:
    approve(models, version, "second")
    old = dt.datetime.now(dt.UTC) - dt.timedelta(days=45)
    with store.write() as transaction:
        transaction.conn.execute(update(model_reviews).values(reviewed_at=old))
    with pytest.raises(ConflictError, match="stale"):
        models.promote(person("second"), "demand", version.version)
    assert "stale" in last_entry(store)["reason"]


def test_a_changed_artifact_is_refused_and_audited(models, store, version, score, where) -> None:
    approve(models, version, "second")
    models.promote(person("second"), "demand", version.version)
    assert score().model_version == version.version
    registered = registry.get_version(where["tracking_uri"], version.version, "demand")
    document = registered.bundle / "category" / "model.json"
    original = document.read_text()
    document.write_text(original + " ")
    done = score()
    assert done.model_name == "moving-average-13"
    assert "files changed" in last_entry(store)["reason"]
    document.write_text(original)


def test_with_the_register_down_the_last_approved_model_scores_and_says_so(
    version, score, place, settings
) -> None:
    database = settings.var_dir / "mlflow" / "mlflow.db"
    database.rename(place / "away.db")
    done = score()
    (place / "away.db").rename(database)
    assert done.model_version == version.version
    assert "last approved model used" in done.note
