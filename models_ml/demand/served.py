"""What MLflow loads for the demand model: code by name, no pickled object; trees are XGBoost's own files.

A copy of this file is in every artifact, so that it names the package's front door and nothing behind it.
"""

from mlflow.models import set_model

from models_ml import DemandPyfunc

set_model(DemandPyfunc())
