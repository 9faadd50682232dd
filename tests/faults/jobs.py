"""Imported once by the server that children are forked from: everything that a job needs, and no work."""

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import dbt.adapters.duckdb
import dbt.cli.main
import mlflow.pyfunc
import mlflow.store.db.utils
import mlflow.store.model_registry.sqlalchemy_store
import mlflow.store.tracking.sqlalchemy_store

import governance.lineage.emit
import models_ml.demand.evidence
import models_ml.demand.pyfunc
from tests.faults import scene_decide, scene_ingest, scene_release, scene_train

__all__ = [
    "dbt",
    "governance",
    "mlflow",
    "models_ml",
    "scene_decide",
    "scene_ingest",
    "scene_release",
    "scene_train",
]
