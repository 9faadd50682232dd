"""The demand model as MLflow serves it: features in, quantiles and mean out."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pandas as pd
from mlflow.models import infer_signature
from mlflow.models.model import ModelInfo
from mlflow.pyfunc.model import PythonModelContext

from governance.json_types import JsonDict
from models_ml.demand.bundle import load_bundle
from models_ml.demand.model import DemandModel
from models_ml.evaluate.forecast import QUANTILE_COLUMNS
from models_ml.lifecycle.registry import PIP_REQUIREMENTS

SERVED_TIER = "category"


def predict_frame(model: DemandModel, frame: pd.DataFrame) -> pd.DataFrame:
    """One row per row of `frame` (the tier's features, and `scale` in units a week): quantiles and mean in
    units."""
    features = frame[model.names].to_numpy("float32")[:, None, :]
    forecast = model.predict(features, frame["scale"].to_numpy(float))
    out = pd.DataFrame(forecast.quantiles[:, 0], columns=list(QUANTILE_COLUMNS))
    out["mean"] = forecast.mean[:, 0]
    return out


class DemandPyfunc(mlflow.pyfunc.PythonModel):  # type: ignore[misc, name-defined]
    """Loads the bundle; params `tier` chooses category (default) or product."""

    def load_context(self, context: PythonModelContext) -> None:
        self.models = load_bundle(Path(context.artifacts["bundle"]))

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: JsonDict | None = None,
    ) -> pd.DataFrame:
        return predict_frame(self.models[(params or {}).get("tier", SERVED_TIER)], model_input)


def log_demand(bundle: Path, evaluation: Path, example: pd.DataFrame, model: DemandModel) -> ModelInfo:
    """Log the bundle in the active run, with signature, input example and pinned requirements."""
    info: ModelInfo = mlflow.pyfunc.log_model(
        name="model",
        python_model=str(Path(__file__).with_name("served.py")),
        artifacts={"bundle": str(bundle), "evaluation": str(evaluation)},
        pip_requirements=PIP_REQUIREMENTS,
        signature=infer_signature(example, predict_frame(model, example), params={"tier": SERVED_TIER}),
        input_example=example,
    )
    return info
