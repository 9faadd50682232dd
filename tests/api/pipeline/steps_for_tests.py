"""Steps small enough for tests; at module level, since a child process imports them by name."""

import os
import signal
import time
from pathlib import Path

from api.errors import ApiError, StepWaitsError
from api.pipeline.results import StepResult


class Runs(StepResult):
    """How often the step has run."""

    runs: int

    def summary(self):
        return str(self.runs)


def _count(settings, name: str) -> int:
    log = Path(settings.var_dir) / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file:
        file.write("x")
    return len(log.read_text())


def good(settings, report):
    report("working", 1, 2)
    return Runs(runs=_count(settings, "good"))


def refuses(settings, report):
    raise ApiError("the shelf is empty", hint="fill it", code="empty-shelf")


def finds_nothing(settings, report):
    raise StepWaitsError("three weeks are not enough")


def crashes(settings, report):
    raise ZeroDivisionError("oops")


def dies_once(settings, report):
    if _count(settings, "dies") == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return Runs(runs=_count(settings, "dies"))


def sleeps(settings, report):
    (Path(settings.var_dir) / "sleeper.pid").write_text(str(os.getpid()))
    time.sleep(120)
    return Runs(runs=0)
