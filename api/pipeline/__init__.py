"""The main job: ingest → build → publish → train → recommend, then measure → record → rebuild → republish.

Each step is whole or not at all. The last four let the release know what was proposed and decided,
and what came of it.

`run_pipeline` runs what changed and reuses the rest; `STEPS` is the order.
"""

from api.pipeline.runner import StepReport, run_pipeline
from api.pipeline.steps import STEPS

__all__ = ["STEPS", "StepReport", "run_pipeline"]
