"""What MLflow loads for margin risk: code by name, not a pickled object.

A copy of this file is in every artifact, so that it names the package's front door and nothing behind it.
"""

from mlflow.models import set_model

from models_ml import MarginRiskPyfunc

set_model(MarginRiskPyfunc())
