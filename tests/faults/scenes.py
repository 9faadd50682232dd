"""What is killed: a state to begin with, a job on it, and what may be seen of it afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

State = Any
"""Plain data: rows, names, digests. Equal states are equal for every reader."""


@dataclass(frozen=True)
class Scene:
    """`state` is what a finished job left, down to the last file; nothing of it depends on clock or chance.

    `between` is asked after the kill, with the states before and after an undisturbed job: it asserts that
    readers see one or the other whole.
    """

    name: str
    prepare: Callable[[Path], None]
    job: Callable[[Path], None]
    state: Callable[[Path], State]
    between: Callable[[Path, State, State], None]


def files(root: Path) -> list[str]:
    """Every file and link below `root`: what a kill left behind is seen here."""
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_symlink() or p.is_file())
