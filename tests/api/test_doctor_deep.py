"""`steelyard doctor --deep`: each kind of damage to what is stored is found and named."""

from __future__ import annotations

import json
import sqlite3

import pytest

from api.doctor import Level, examine
from api.doctor.deep import (
    check_landing_content,
    check_registry_artifacts,
    check_release_content,
    check_store_integrity,
)
from api.settings import Settings
from governance.store import OpsStore
from governance.store.migrate import upgrade
from models_ml.lifecycle import registry
from tests.fixtures.state_0_1_0 import unpack_state


@pytest.fixture
def state(tmp_path):
    settings = Settings(var_dir=unpack_state(tmp_path))
    store = OpsStore(settings.ops_store_url)
    upgrade(store)
    store.close()
    return settings


def failed(findings):
    return [f"{f.subject}: {f.message}" for f in findings if f.level is Level.FAILED]


def turn_a_byte(path, at=None):
    body = bytearray(path.read_bytes())
    body[len(body) // 2 if at is None else at] ^= 1
    path.write_bytes(body)


def test_deep_checks_come_after_the_others_and_only_on_request(state):
    subjects = [f.subject for f in examine(state)]
    deep = [f.subject for f in examine(state, deep=True)]
    assert deep[: len(subjects)] == subjects
    added = set(deep[len(subjects) :])
    assert {"release content", "landing", "ops store integrity", "model artifacts"} <= added


def test_a_byte_of_a_warehouse_that_no_size_tells(state):
    assert failed(check_release_content(state)) == []
    (warehouse,) = state.var_dir.glob("releases/*/warehouse.duckdb")
    turn_a_byte(warehouse)
    (problem,) = failed(check_release_content(state))
    assert "warehouse.duckdb" in problem and warehouse.parent.name in problem


def test_a_landed_batch_of_the_version_before(state):
    assert failed(check_landing_content(state)) == []
    (part,) = state.landing.glob("products/batch=b*/part-0.parquet")
    turn_a_byte(part, at=60)
    (problem,) = failed(check_landing_content(state))
    assert part.parent.name.removeprefix("batch=") in problem


def test_a_landed_batch_that_is_gone(state):
    batch = json.loads((state.landing / "_landing.json").read_text())["batches"][0]
    folder = state.landing / batch["table"] / f"batch={batch['batch_id']}"
    folder.rename(state.var_dir / "elsewhere")
    (problem,) = failed(check_landing_content(state))
    assert batch["batch_id"] in problem and "missing" in problem


def test_a_decision_on_nothing_and_a_torn_page(state):
    assert failed(check_store_integrity(state)) == []
    path = state.var_dir / "ops.db"
    with sqlite3.connect(path) as connection:  # foreign keys are off here, as in any other program
        connection.execute("UPDATE decisions SET recommendation_id = 'nobody' WHERE recommendation_id = 'r0'")
    connection.close()
    problems = failed(check_store_integrity(state))
    assert any("decisions" in problem and "recommendations" in problem for problem in problems)
    body = bytearray(path.read_bytes())
    body[4096:8192] = bytes(4096)
    path.write_bytes(body)
    assert failed(examine(state, deep=True))


@pytest.mark.parametrize(("damage", "problem"), [("change", "changed"), ("remove", "missing")])
def test_a_model_whose_files_are_not_those_that_were_registered(state, damage, problem):
    assert failed(check_registry_artifacts(state)) == []
    (version,) = registry.versions(state.mlflow_uri, "demand")
    if damage == "change":
        turn_a_byte(version.bundle / "category" / "mean.ubj")
    else:
        version.bundle.rename(state.var_dir / "elsewhere")
    (finding,) = failed(check_registry_artifacts(state))
    assert "demand 1" in finding and problem in finding
