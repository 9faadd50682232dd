"""The ops store or the model register goes in the middle: a clear refusal, nothing half-done, and back."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from governance.approvals import decide, find_recommendation, propose
from governance.errors import StoreUnavailableError
from governance.identity import Directory
from governance.store import OpsStore, audit
from governance.store.migrate import upgrade
from models_ml import score_demand, train_demand
from models_ml.errors import RegistryUnavailableError
from models_ml.lifecycle import registry
from tests.faults import scene_train
from tests.faults.kill import answer_of, run
from tests.faults.scene_decide import NOW, proposals, service
from tests.postgres import Cluster


@pytest.fixture
def postgres():
    cluster = Cluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


def test_postgresql_stops_while_people_decide(postgres, tmp_path):
    """Four planners at once; what was answered stays, what was refused was not done and can be done after."""
    count = 80
    store = OpsStore(postgres.fresh_database(), anchor=tmp_path / "anchor")
    upgrade(store)
    propose(store, service(), proposals(count), now=NOW)
    planner, answered, refused = Directory.load().user("planner_east"), set(), []
    down = threading.Event()

    def work(numbers: range) -> None:
        for i in numbers:
            try:
                decide(store, planner, f"r{i}", "approve", now=NOW, idempotency_key=f"k{i}")
                answered.add(f"r{i}")
            except StoreUnavailableError as refusal:
                refused.append(refusal)
            if i % 4 == 0 and i > count // 4:
                down.wait(10)

    planners = [threading.Thread(target=work, args=(range(first, count, 4),)) for first in range(4)]
    for thread in planners:
        thread.start()
    while len(answered) < count // 4:
        pass
    postgres.stop()
    down.set()
    for thread in planners:
        thread.join(60)
    assert refused and all(r.code == "store-unavailable" and "password" not in r.message for r in refused)
    with pytest.raises(StoreUnavailableError, match="cannot be read"):
        find_recommendation(store, "r0")

    postgres.start()
    states = {f"r{i}": find_recommendation(store, f"r{i}").state for i in range(count)}
    assert all(states[key] == "approved" for key in answered)
    assert audit.verify(store).holds
    for i in range(count):  # each again, as a client with its key does that got no answer
        decide(store, planner, f"r{i}", "approve", now=NOW, idempotency_key=f"k{i}")
    trail = audit.read(store, limit=1000).items
    approvals = [row["object_id"] for row in trail if row["action"] == "recommendation.approve"]
    assert len(approvals) == len(set(approvals)) == count
    assert audit.verify(store).holds
    store.close()
    print(f"{len(answered)} decided before the stop, {len(refused)} refused, {count} in the end")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A registry with a champion, and newer data to train on."""
    root = tmp_path_factory.mktemp("register")
    run(scene_train.prepare, root)
    return root


def test_the_register_goes_while_a_model_is_trained(trained):
    before = answer_of(scene_train.state, trained)
    assert answer_of(_train_without_register, trained, "mlflow.db") == "register-unavailable"
    assert answer_of(scene_train.state, trained) == before
    run(scene_train.first, trained)
    assert [v["version"] for v in answer_of(scene_train.state, trained)["versions"]] == ["2", "1"]


def _train_without_register(root: Path, name: str) -> str:
    """Its database is lost (another file stands in its place) once the model is fitted."""
    aside = root / "aside"

    def lose(what: str) -> None:
        if "register" in what:
            shutil.move(root / name, aside)
            (root / name).write_bytes(b"not a database" * 100)

    where = {"tracking_uri": f"sqlite:///{root}/mlflow.db", "artifact_root": root / "artifacts"}
    try:
        train_demand(
            root / "warehouse.duckdb",
            "R1",
            git_commit="abc",
            settings=scene_train.QUICK,
            progress=lose,
            **where,
        )
    except RegistryUnavailableError as refused:
        return refused.code
    finally:
        aside.replace(root / name)
    return "trained"


def test_the_register_goes_while_scoring(trained):
    """The last approved model scores, and says so; nothing falls back to the rule."""
    assert answer_of(_score_without_register, trained) == ("demand", "1", True)
    assert answer_of(_listed_without_register, trained) == "register-unavailable"
    scored = answer_of(_score, trained)
    assert (scored.model_name, scored.model_version, scored.note) == ("demand", "1", "")


def _score_without_register(root: Path) -> tuple[str, str, bool]:
    with _lost(root / "mlflow.db"):
        scored = _score(root)
    return scored.model_name, scored.model_version, "last approved model used" in scored.note


def _listed_without_register(root: Path) -> str:
    with _lost(root / "mlflow.db"):
        try:
            registry.versions(f"sqlite:///{root}/mlflow.db", "demand")
        except RegistryUnavailableError as refused:
            return refused.code
    return "listed"


def _score(root: Path):
    where = {"tracking_uri": f"sqlite:///{root}/mlflow.db", "artifact_root": root / "artifacts"}
    return score_demand(root / "before.duckdb", "R1", output=root / "scored" / "demand.parquet", **where)


class _lost:  # noqa: N801
    """Another file stands where the database was."""

    def __init__(self, path: Path) -> None:
        self.path, self.aside = path, path.with_suffix(".aside")

    def __enter__(self) -> None:
        self.path.rename(self.aside)
        self.path.write_bytes(b"not a database" * 100)

    def __exit__(self, *_: object) -> None:
        self.aside.replace(self.path)
