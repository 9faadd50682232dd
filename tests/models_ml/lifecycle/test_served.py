"""What MLflow stores of a version refers to the front door only: moved modules leave it loadable."""

import ast
from pathlib import Path

import pytest

import models_ml
from models_ml.models import MODELS

PACKAGE = Path(models_ml.__file__).parent


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_stored_script_names_nothing_behind_the_front_door(name: str) -> None:
    tree = ast.parse((PACKAGE / name / "served.py").read_text())
    imports = {node.module: node.names for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert set(imports) == {"mlflow.models", "models_ml"}
    for imported in imports["models_ml"]:
        assert imported.name in models_ml.__all__
        assert hasattr(models_ml, imported.name)
