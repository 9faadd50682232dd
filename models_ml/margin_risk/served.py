"""What MLflow loads for margin risk: code by name, not a pickled object."""

from mlflow.models import set_model

from models_ml.margin_risk.pyfunc import MarginRiskPyfunc

set_model(MarginRiskPyfunc())
