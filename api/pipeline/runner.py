"""Walk the steps in order: reuse, run, fail or wait, and report what each took.

A step that fails stops those that need it and no other: a forecast that cannot be made holds up no number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from api.errors import StepFailedError, StepWaitsError
from api.pipeline.checkpoint import only_one, read_checkpoint, write_checkpoint
from api.pipeline.results import Row, StepResult
from api.pipeline.step import R, Step
from api.pipeline.step_process import run_in_subprocess
from api.pipeline.steps import STEPS
from api.settings import Settings
from semantic.errors import SteelyardError

AnyStep = Step[Any]
Listener = Callable[[AnyStep, str, int, int], None]
"""Called with the step, what it is doing, how much is done, and of how much (0: not known)."""
StepState = Literal["done", "reused", "failed", "waits"]


@dataclass(frozen=True)
class StepReport:
    """One row of the closing table. `peak_mb` is 0 if the step was reused.

    Of a step that failed, `error` says why; of one that waits, `reason` says what for, and `is_blocked` that
    it waits for a step that failed. Neither has a result.
    """

    step: str
    title: str
    state: StepState
    seconds: float = 0.0
    peak_mb: int = 0
    result: StepResult | None = None
    error: StepFailedError | None = None
    reason: str = ""
    is_blocked: bool = False

    @property
    def reused(self) -> bool:
        """The result is an earlier run's."""
        return self.state == "reused"

    @property
    def succeeded(self) -> bool:
        """There is a result, of this run or of an earlier one."""
        return self.state in ("done", "reused")

    @property
    def summary(self) -> str:
        """One line on the result, or on why there is none."""
        if self.error is not None:
            return f"failed: {self.error.message}"
        return self.result.summary() if self.result is not None else f"waits: {self.reason}"

    def as_dict(self) -> Row:
        """JSON-ready form."""
        error = self.error
        return {
            "step": self.step,
            "title": self.title,
            "state": self.state,
            "reused": self.reused,
            "seconds": self.seconds,
            "peak_mb": self.peak_mb,
            "summary": self.summary,
            "result": self.result.as_dict() if self.result is not None else None,
            "error": {"code": error.code, "message": error.message, "hint": error.hint} if error else None,
        }


def run_pipeline(
    settings: Settings,
    listener: Listener = lambda *what: None,
    steps: tuple[AnyStep, ...] = STEPS,
) -> Iterator[StepReport]:
    """Yield a report after each step; a step that fails is reported, and those that need it wait.

    One pipeline at a time: raises PipelineBusyError.
    """
    with only_one(settings.var_dir / "pipeline.lock"):
        reports: dict[str, StepReport] = {}
        for step in steps:
            reports[step.name] = _blocked(step, reports) or _attempt(settings, step, listener)
            yield reports[step.name]


def require_success(reports: list[StepReport]) -> None:
    """Raises StepFailedError with the first failure; it names the steps that failed and that wait."""
    errors = [(report.title, report.error) for report in reports if report.error is not None]
    if not errors:
        return
    waiting = [report.title for report in reports if report.is_blocked]
    message = f"{', '.join(title for title, _ in errors)} failed"
    message += f", so {', '.join(waiting)} waited" if waiting else "; the other steps are done"
    _, first = errors[0]
    raise StepFailedError(f"{message}. {first.message}", hint=first.hint, code=first.code)


def _blocked(step: AnyStep, reports: dict[str, StepReport]) -> StepReport | None:
    """The report of a step that needs one that did not succeed; None if nothing is in its way."""
    for name in step.after:
        if name in reports and not reports[name].succeeded:
            reason = f"'{reports[name].title}' did not succeed"
            return StepReport(step.name, step.title, "waits", reason=reason, is_blocked=True)
    return None


def _attempt(settings: Settings, step: Step[R], listener: Listener) -> StepReport:
    try:
        reason = step.obstacle(settings)
        if reason:
            return StepReport(step.name, step.title, "waits", reason=reason)
        return _one(settings, step, listener)
    except StepWaitsError as missing:
        return StepReport(step.name, step.title, "waits", reason=missing.message)
    except StepFailedError as error:
        return StepReport(step.name, step.title, "failed", error=error)
    except SteelyardError as error:  # what the step would read cannot even be looked at
        failure = StepFailedError(error.message, hint=error.hint, code=error.code)
        return StepReport(step.name, step.title, "failed", error=failure)


def _one(settings: Settings, step: Step[R], listener: Listener) -> StepReport:
    folder = settings.var_dir / "pipeline"
    fingerprint = step.fingerprint(settings)
    result = read_checkpoint(folder, step.name, fingerprint, step.result) if fingerprint else None
    if result is not None and step.still_holds(settings, result):
        return StepReport(step.name, step.title, "reused", result=result)

    def progress(what: str, done: int = 0, total: int = 0, /) -> None:
        listener(step, what, done, total)

    progress("starting")
    log = settings.var_dir / "logs" / f"pipeline-{step.name}.log"
    outcome = run_in_subprocess(step.run, (settings,), progress, log)
    if fingerprint:
        write_checkpoint(folder, step.name, fingerprint, outcome.result)
    state: StepState = "reused" if outcome.result.unchanged else "done"
    return StepReport(step.name, step.title, state, outcome.seconds, outcome.peak_mb, outcome.result)
