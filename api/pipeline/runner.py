"""Walk the steps in order: reuse, run or fail, and report what each took."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from api.pipeline.checkpoint import only_one, read_checkpoint, write_checkpoint
from api.pipeline.step_process import run_in_subprocess
from api.pipeline.steps import STEPS, Step
from api.settings import Settings

Listener = Callable[[Step, str, int, int], None]
"""Called with the step, what it is doing, how much is done, and of how much (0: not known)."""


@dataclass(frozen=True)
class StepReport:
    """One row of the closing table. `peak_mb` is 0 if the step was reused."""

    step: str
    title: str
    reused: bool
    seconds: float
    peak_mb: int
    summary: str
    result: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def run_pipeline(
    settings: Settings,
    listener: Listener = lambda *what: None,
    steps: tuple[Step, ...] = STEPS,
) -> Iterator[StepReport]:
    """Yield a report after each step. One pipeline at a time: raises PipelineBusy, or StepFailed."""
    with only_one(settings.var_dir / "pipeline.lock"):
        for step in steps:
            yield _one(settings, step, listener)


def _one(settings: Settings, step: Step, listener: Listener) -> StepReport:
    folder = settings.var_dir / "pipeline"
    fingerprint = step.fingerprint(settings)
    result = read_checkpoint(folder, step.name, fingerprint) if fingerprint else None
    if result is not None and step.still_holds(settings, result):
        return StepReport(step.name, step.title, True, 0.0, 0, step.summary(result), result)
    listener(step, "starting", 0, 0)
    log = settings.var_dir / "logs" / f"pipeline-{step.name}.log"
    outcome = run_in_subprocess(step.run, (settings,), lambda *what: listener(step, *what), log)
    if fingerprint:
        write_checkpoint(folder, step.name, fingerprint, outcome.result)
    reused = bool(outcome.result.get("unchanged"))
    summary = step.summary(outcome.result)
    return StepReport(
        step.name, step.title, reused, outcome.seconds, outcome.peak_mb, summary, outcome.result
    )
