"""Walk the steps in order: reuse, run or fail, and report what each took."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from api.pipeline.checkpoint import only_one, read_checkpoint, write_checkpoint
from api.pipeline.results import Row, StepResult
from api.pipeline.step import R, Step
from api.pipeline.step_process import run_in_subprocess
from api.pipeline.steps import STEPS
from api.settings import Settings

AnyStep = Step[Any]
Listener = Callable[[AnyStep, str, int, int], None]
"""Called with the step, what it is doing, how much is done, and of how much (0: not known)."""


@dataclass(frozen=True)
class StepReport:
    """One row of the closing table. `peak_mb` is 0 if the step was reused."""

    step: str
    title: str
    reused: bool
    seconds: float
    peak_mb: int
    result: StepResult

    @property
    def summary(self) -> str:
        """One line on the result."""
        return self.result.summary()

    def as_dict(self) -> Row:
        """JSON-ready form."""
        return {
            "step": self.step,
            "title": self.title,
            "reused": self.reused,
            "seconds": self.seconds,
            "peak_mb": self.peak_mb,
            "summary": self.summary,
            "result": self.result.as_dict(),
        }


def run_pipeline(
    settings: Settings,
    listener: Listener = lambda *what: None,
    steps: tuple[AnyStep, ...] = STEPS,
) -> Iterator[StepReport]:
    """Yield a report after each step.

    One pipeline at a time: raises PipelineBusyError, or StepFailedError.
    """
    with only_one(settings.var_dir / "pipeline.lock"):
        for step in steps:
            yield _one(settings, step, listener)


def _one(settings: Settings, step: Step[R], listener: Listener) -> StepReport:
    folder = settings.var_dir / "pipeline"
    fingerprint = step.fingerprint(settings)
    result = read_checkpoint(folder, step.name, fingerprint, step.result) if fingerprint else None
    if result is not None and step.still_holds(settings, result):
        return StepReport(step.name, step.title, True, 0.0, 0, result)

    def progress(what: str, done: int = 0, total: int = 0, /) -> None:
        listener(step, what, done, total)

    progress("starting")
    log = settings.var_dir / "logs" / f"pipeline-{step.name}.log"
    outcome = run_in_subprocess(step.run, (settings,), progress, log)
    if fingerprint:
        write_checkpoint(folder, step.name, fingerprint, outcome.result)
    reused = outcome.result.unchanged
    return StepReport(step.name, step.title, reused, outcome.seconds, outcome.peak_mb, outcome.result)
