"""How long work reports what it does: one protocol for builds, trainings, ingest and the pipeline's steps."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called with what is being done, how much of it is done, and of how much (0: not known)."""

    def __call__(self, what: str, done: int = 0, total: int = 0, /) -> object: ...


def silent(what: str, done: int = 0, total: int = 0, /) -> None:
    """Progress that goes nowhere."""
