"""What MLflow loads for the demand model: code by name, no pickled object; trees are XGBoost's own files."""

from mlflow.models import set_model

from models_ml.demand.pyfunc import DemandPyfunc

set_model(DemandPyfunc())
