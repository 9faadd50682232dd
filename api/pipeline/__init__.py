"""The main job: ingest → build → publish → train → recommend, each step whole or not at all.

`run_pipeline` runs what changed and reuses the rest; `STEPS` is the order.
"""

from api.pipeline.runner import StepReport, run_pipeline
from api.pipeline.steps import STEPS

__all__ = ["STEPS", "StepReport", "run_pipeline"]
