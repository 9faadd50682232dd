"""Nothing that is loaded at scoring can bring code: no pickle is opened, whatever is in a model's folder."""

import ast
import pickle
import sys

import numpy as np
import pytest
import xgboost as xgb

from models_ml.lifecycle.artifacts import bundle_digest
from models_ml.margin_risk.bundle import load_bundle, save_bundle
from models_ml.margin_risk.model import MarginRiskModel
from tests.conftest import ROOT

PACKAGES = ("semantic", "governance", "models_ml", "integrations", "api")
EXECUTES = frozenset(
    {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "skops"}
)
LOADERS = frozenset({"load_model", "read_pickle", "unsafe_load", "full_load"})
OPENED: list[str] = []


def leave_a_mark():
    OPENED.append("unpickled")


class Planted:
    """Unpickled, it leaves a mark."""

    def __reduce__(self):
        return (leave_a_mark, ())


@pytest.fixture
def folder(tmp_path):
    """A trained margin risk model as files."""
    data = xgb.DMatrix(np.arange(20.0).reshape(10, 2), label=np.arange(10) % 2)
    booster = xgb.train({"max_depth": 1}, data, 1)
    save_bundle(MarginRiskModel(["a", "b"], ["a", "b"], booster, booster), tmp_path / "bundle")
    return tmp_path / "bundle"


def test_a_planted_pickle_is_never_opened(folder):
    planted = pickle.dumps(Planted())
    for name in ("model.pkl", "python_model.pkl", "chance.pkl", "calibration.joblib", "a/b.pickle"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(planted)
    events = []
    watching = [True]
    sys.addaudithook(lambda event, _: events.append(event) if watching[0] and "pickle" in event else None)
    load_bundle(folder, bundle_digest(folder))
    watching[0] = False
    assert not events and not OPENED


@pytest.mark.parametrize("name", ["model.json", "chance.ubj", "severity.ubj"])
def test_a_pickle_in_place_of_a_file_is_refused(folder, name):
    (folder / name).write_bytes(pickle.dumps(Planted()))
    with pytest.raises(Exception):  # noqa: B017 - whatever the reader of the format says
        load_bundle(folder)
    assert not OPENED


def test_the_planted_object_would_have_left_its_mark():
    pickle.loads(pickle.dumps(Planted()))  # noqa: S301 - our own, of a line ago
    assert OPENED.pop() == "unpickled"


def test_no_package_of_ours_can_open_one():
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name.partition(".")[0] for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    names = [str(node.module).partition(".")[0]]
                assert not EXECUTES & {*names}, path
                if isinstance(node, ast.Attribute):
                    if node.attr == "load_model":  # XGBoost's own reads its own formats only
                        assert "mlflow" not in ast.unparse(node), path
                    else:
                        assert node.attr not in LOADERS, path
                if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                    assert isinstance(node.value, ast.Constant) and node.value.value is False, path
