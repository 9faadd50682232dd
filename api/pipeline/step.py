"""One step of the main job: what it does, when its last result may be reused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from api.pipeline.results import StepResult
from api.settings import Settings
from governance.progress import Progress

R = TypeVar("R", bound=StepResult)


def always(settings: Settings) -> str:
    """No fingerprint: the step itself finds out, quickly, whether anything changed."""
    return ""


def nothing_missing(settings: Settings) -> str:
    """No obstacle: the step can always run."""
    return ""


@dataclass(frozen=True)
class Step(Generic[R]):
    """`fingerprint` names the step's inputs; if it is the last run's, a result that still holds is reused.

    A step waits if one of the steps that it comes `after` has failed or waits, or if `obstacle` gives a
    reason.
    """

    name: str
    title: str
    run: Callable[[Settings, Progress], R]
    result: type[R]
    fingerprint: Callable[[Settings], str] = always
    still_holds: Callable[[Settings, R], bool] = lambda settings, result: True
    after: tuple[str, ...] = ()
    obstacle: Callable[[Settings], str] = nothing_missing
