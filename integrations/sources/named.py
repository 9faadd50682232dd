"""Sources by name: what a user types after `--source`."""

from __future__ import annotations

from pathlib import Path

from integrations.demo import CompleteJourney
from integrations.errors import SourceNotFound
from integrations.sources.base import Source
from integrations.sources.database import Database
from integrations.sources.folder import Folder

DEMO = "complete-journey"


def source_named(name: str, *, truth: Path | None = None) -> Source:
    """`complete-journey`, a database URL, or a folder with a folder (or file) per contract table.

    `truth` is where the demo writes its planted anomalies, for tests only. Raises SourceNotFound.
    """
    if name == DEMO:
        return CompleteJourney(truth=truth)
    if "://" in name:
        return Database(name)
    path = Path(name)
    if not path.is_dir():
        raise SourceNotFound(
            f"There is no source '{name}'.",
            hint=f"Give '{DEMO}', a database URL, or an existing folder with a folder per table.",
        )
    return Folder(path)
