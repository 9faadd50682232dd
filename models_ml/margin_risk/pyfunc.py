"""The margin risk model as MLflow serves it: features in, chance, size and money at risk out."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pandas as pd
from mlflow.models import infer_signature
from mlflow.models.model import ModelInfo
from mlflow.pyfunc.model import PythonModelContext

from governance.json_types import JsonDict
from models_ml.lifecycle.registry import PIP_REQUIREMENTS
from models_ml.margin_risk.bundle import load_bundle
from models_ml.margin_risk.features import Features
from models_ml.margin_risk.model import MarginRiskModel

REQUIREMENTS = [*PIP_REQUIREMENTS, "scikit-learn==1.9.1"]


def predict_frame(model: MarginRiskModel, frame: pd.DataFrame) -> pd.DataFrame:
    """One row per row of `frame` (the model's features): probability, shortfall and money at risk in USD."""
    values = frame[model.names].to_numpy("float32")
    risk = model.predict(Features(values, model.names, model.drivers, frame["target"].to_numpy(float)))
    return pd.DataFrame({
        "probability": risk.probability,
        "expected_shortfall": risk.shortfall,
        "money_at_risk": risk.money,
    })  # fmt: skip


class MarginRiskPyfunc(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
    """Loads the bundle."""

    def load_context(self, context: PythonModelContext) -> None:
        self.model = load_bundle(Path(context.artifacts["bundle"]))

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: JsonDict | None = None,
    ) -> pd.DataFrame:
        return predict_frame(self.model, model_input)


def log_margin_risk(
    bundle: Path, evaluation: Path, example: pd.DataFrame, model: MarginRiskModel
) -> ModelInfo:
    """Log the bundle in the active run, with signature, input example and pinned requirements."""
    info: ModelInfo = mlflow.pyfunc.log_model(
        name="model",
        python_model=str(Path(__file__).with_name("served.py")),
        artifacts={"bundle": str(bundle), "evaluation": str(evaluation)},
        pip_requirements=REQUIREMENTS,
        signature=infer_signature(example, predict_frame(model, example)),
        input_example=example,
    )
    return info
