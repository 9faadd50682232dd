"""The main job: ingest → build → publish → train → recommend, then measure → record → rebuild → republish.

Each step is whole or not at all. The last four let the release know what was proposed and decided,
and what came of it.

`run_pipeline` runs what changed and reuses the rest, and goes on where one step fails; `require_success`
raises for those that failed; `STEPS` is the order.
"""

from api.pipeline.runner import StepReport, require_success, run_pipeline
from api.pipeline.steps import STEPS

__all__ = ["STEPS", "StepReport", "require_success", "run_pipeline"]
