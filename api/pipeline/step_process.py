"""Run one step in a process of its own.

Its memory is returned when it ends, its peak is known, and killing it harms nobody else.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Generic, TypeVar

from api.auth.log_redaction import redact_logs
from api.errors import StepFailedError, StepWaitsError
from governance.progress import Progress
from semantic.errors import SteelyardError

R = TypeVar("R")


@dataclass(frozen=True)
class Outcome(Generic[R]):
    """What a step returned, how long it took and the most memory it held."""

    result: R
    seconds: float
    peak_mb: int


@dataclass(frozen=True)
class _Progress:
    what: str
    done: int
    total: int


@dataclass(frozen=True)
class _Returned(Generic[R]):
    result: R
    peak_mb: int


@dataclass(frozen=True)
class _Failed:
    message: str
    hint: str
    code: str


def run_in_subprocess(
    function: Callable[..., R],
    arguments: tuple[object, ...],
    report: Progress,
    log: Path | None = None,
) -> Outcome[R]:
    """Call `function(*arguments, report)` in a child process, its output appended to `log`.

    Raises StepFailedError, with the code and hint of what the step refused; StepWaitsError if it has nothing
    to work on.
    """
    # A killed child's semaphores are cleaned up by Python, which warns of it on our standard error.
    os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker")
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(function, arguments, theirs, log), daemon=False)
    started = time.monotonic()
    process.start()
    theirs.close()
    try:
        answer: _Returned[R] | _Failed | None = _listen(ours, report)
    finally:
        if process.is_alive() and _interrupted(ours):
            process.terminate()
        process.join()
    if answer is None:
        raise StepFailedError(
            f"The step's process ended early (exit status {process.exitcode}).", hint="Run it again."
        )
    if isinstance(answer, _Failed) and answer.code == StepWaitsError.code:
        raise StepWaitsError(answer.message, hint=answer.hint)
    if isinstance(answer, _Failed):
        raise StepFailedError(answer.message, hint=answer.hint, code=answer.code)
    return Outcome(answer.result, time.monotonic() - started, answer.peak_mb)


def _listen(pipe: Connection, report: Progress) -> _Returned[R] | _Failed | None:
    """The step's answer; None if its process ended without one."""
    try:
        while True:
            message: _Progress | _Returned[R] | _Failed = pipe.recv()
            if not isinstance(message, _Progress):
                return message
            report(message.what, message.done, message.total)
    except EOFError:
        return None


def _interrupted(pipe: Connection) -> bool:
    """True if we leave before the child has answered (Ctrl-C)."""
    return not pipe.closed and not pipe.poll()


def _work(
    function: Callable[..., object], arguments: tuple[object, ...], pipe: Connection, log: Path | None
) -> None:
    threading.Thread(target=_die_with_parent, daemon=True).start()
    if log is not None:
        _redirect_output(log)
    redact_logs()

    def report(what: str, done: int = 0, total: int = 0, /) -> None:
        pipe.send(_Progress(what, done, total))

    try:
        pipe.send(_Returned(function(*arguments, report), _peak_mb()))
    except SteelyardError as refusal:
        pipe.send(_Failed(refusal.message, refusal.hint, refusal.code))
    except Exception as crash:  # anything else is logged with its trace, and reported
        traceback.print_exc()
        where = f"The trace is in {log}." if log is not None else "The trace is above."
        pipe.send(_Failed(f"{type(crash).__name__}: {crash}", where, StepFailedError.code))


def _redirect_output(log: Path) -> None:
    """Libraries chat on standard output and error; the person at the terminal gets our own progress only."""
    log.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
