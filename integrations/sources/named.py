"""Sources by name: what a user types after `--source`.

A new kind of source is a module beside this one and a line in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from integrations.demo import CompleteJourney
from integrations.errors import SourceNotFoundError
from integrations.sources.base import Source
from integrations.sources.database import DatabaseSource
from integrations.sources.folder import FolderSource

DEMO = "complete-journey"


@dataclass(frozen=True)
class SourceKind:
    """`example` is what a user may write; `takes` says of a name whether it is of this kind."""

    example: str
    takes: Callable[[str], bool]
    open: Callable[[str, Path | None], Source]


KINDS: tuple[SourceKind, ...] = (
    SourceKind(
        f"'{DEMO}'", lambda name: name == DEMO, lambda _, planted: CompleteJourney(planted_anomalies=planted)
    ),
    SourceKind("a database URL", lambda name: "://" in name, lambda name, _: DatabaseSource(name)),
    SourceKind(
        "an existing folder with a folder per table",
        lambda name: Path(name).is_dir(),
        lambda name, _: FolderSource(Path(name)),
    ),
)


def source_named(name: str, *, planted_anomalies: Path | None = None) -> Source:
    """The source of the first kind that takes the name. Raises SourceNotFoundError, with an example of each
    kind.

    `planted_anomalies` is the folder in which the demo writes what it planted, for tests only.
    """
    for kind in KINDS:
        if kind.takes(name):
            return kind.open(name, planted_anomalies)
    *others, last = (kind.example for kind in KINDS)
    raise SourceNotFoundError(f"There is no source '{name}'.", hint=f"Give {', '.join(others)}, or {last}.")
