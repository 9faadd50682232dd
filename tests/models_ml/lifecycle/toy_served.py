"""What MLflow loads for the toy: it gives its input back."""

import mlflow
from mlflow.models import set_model


class Toy(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input


set_model(Toy())
