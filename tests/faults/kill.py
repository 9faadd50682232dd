"""Run a job in a process of its own and kill it (SIGKILL) at a chosen point: no clean-up runs.

A point is the n-th thing that the job does to a file or a database, and a pause after it. Things are counted
in the child, by Python's audit hook (opened for writing, renamed, removed, made, linked) and by SQLAlchemy's
events (statements, commits). Without a pause the child kills itself before that thing is done; with one, the
parent kills it that much later, so that DuckDB's, SQLite's and XGBoost's own code is met anywhere.

The product knows nothing of this. Children are forked from one server that has imported everything, so a kill
costs what the job costs.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semantic.errors import SteelyardError
from tests.seeds import seeded

Job = Callable[[Path], None]
_FILE_EVENTS = frozenset({
    "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.truncate", "os.link",
    "shutil.copyfile",
})  # fmt: skip
_WRITES = os.O_WRONLY | os.O_RDWR
_LONGEST_SECONDS = 300


@dataclass(frozen=True)
class Point:
    """Before the `number`-th thing (from 0), or `pause` seconds after it."""

    number: int
    pause: float


NEVER = Point(-1, 0.0)


@dataclass(frozen=True)
class Run:
    """How a child ended. `error` is the code of a refusal, or else the trace; `answer` what the job returned.

    `moments` are the seconds at which it did its things; empty where it was killed.
    """

    was_killed: bool
    moments: tuple[float, ...]
    error: str = ""
    answer: Any = None


def run(job: Job, root: Path) -> Run:
    """Undisturbed, to its end. Raises AssertionError with the trace where the job fails."""
    done = run_and_kill(job, root, NEVER)
    assert not done.error, done.error
    return done


def answer_of(question: Callable[..., Any], *arguments: Any) -> Any:
    """The answer of a fresh process: no connection, cache or module state of the one before."""
    done = _run(question, arguments, NEVER)
    assert not done.error, done.error
    return done.answer


def run_and_kill(job: Job, root: Path, point: Point, limits: Callable[[], None] | None = None) -> Run:
    """As far as the point. A point with a pause may lie behind the end: then the job is done.

    `limits` is called in the child before the job.
    """
    return _run(job, (root,), point, limits)


def points(job_name: str, undisturbed: Run, count: int) -> list[Point]:
    """`count` points of a job, every second one with a pause up to the next thing that it does."""
    rng = seeded(job_name)
    moments = undisturbed.moments
    chosen = sorted(_spread(rng, len(moments), count))
    gaps = [
        later - earlier for earlier, later in zip(moments, (*moments[1:], moments[-1] + 0.01), strict=True)
    ]
    return [Point(n, rng.uniform(0, gaps[n]) if i % 2 else 0.0) for i, n in enumerate(chosen)]


def _spread(rng: random.Random, total: int, count: int) -> list[int]:
    """Each once where there are enough of them, else each as often as any other."""
    whole, rest = divmod(count, total)
    return [*list(range(total)) * whole, *rng.sample(range(total), rest)]


def _run(
    job: Callable[..., Any],
    arguments: tuple[Any, ...],
    point: Point,
    limits: Callable[[], None] | None = None,
) -> Run:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.jobs"])
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(job, arguments, point, theirs, limits))
    process.start()
    theirs.close()
    ended: Run | None = None
    try:
        while ended is None and select.select([ours], [], [], _LONGEST_SECONDS)[0]:
            try:
                message = ours.recv()
            except EOFError:
                break
            if isinstance(message, Run):
                ended = message
            else:
                time.sleep(point.pause)
                process.kill()
    finally:
        process.kill()
        process.join()
        ours.close()
    if ended is None:
        assert process.exitcode == -signal.SIGKILL, f"the job's process ended by itself: {process.exitcode}"
    return ended or Run(True, ())


def _work(
    job: Callable[..., Any],
    arguments: tuple[Any, ...],
    point: Point,
    pipe: Any,
    limits: Callable[[], None] | None,
) -> None:
    os.setsid()  # not the terminal's, so that Ctrl-C meets the tests alone
    counter = _Counter(point, pipe)
    counter.listen()
    answer, error = None, ""
    try:
        if limits is not None:
            limits()
        answer = job(*arguments)
    except SteelyardError as refused:
        error = refused.code
    except BaseException:
        error = traceback.format_exc()
    counter.stop()
    pipe.send(Run(False, tuple(counter.moments) or (0.0,), error, answer))
    os._exit(0)


class _Counter:
    def __init__(self, point: Point, pipe: Any) -> None:
        self._point, self._pipe = point, pipe
        self._started = time.monotonic()
        self._on = True
        self.moments: list[float] = []

    def listen(self) -> None:
        from sqlalchemy import Engine, event

        sys.addaudithook(self._audited)
        event.listen(Engine, "before_cursor_execute", lambda *_: self._thing())
        event.listen(Engine, "commit", lambda *_: self._thing())

    def stop(self) -> None:
        self._on = False

    def _audited(self, name: str, arguments: Sequence[Any]) -> None:
        if name in _FILE_EVENTS or (name == "open" and _is_written(arguments)):
            self._thing()

    def _thing(self) -> None:
        if not self._on:
            return
        self.moments.append(time.monotonic() - self._started)
        if len(self.moments) - 1 != self._point.number:
            return
        if not self._point.pause:
            os.kill(os.getpid(), signal.SIGKILL)
        self._pipe.send("there")


def _is_written(arguments: Sequence[Any]) -> bool:
    path, mode, flags = arguments
    if isinstance(path, int) or str(path).startswith(("/dev/", "/proc/")):
        return False
    return bool(flags & _WRITES) if isinstance(flags, int) else any(c in (mode or "") for c in "wax+")
