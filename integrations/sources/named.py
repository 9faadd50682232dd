"""Sources by name: what a user types after `--source`."""

from __future__ import annotations

from pathlib import Path

from integrations.demo import CompleteJourney
from integrations.errors import SourceNotFound
from integrations.sources.base import Source
from integrations.sources.database import DatabaseSource
from integrations.sources.folder import FolderSource

DEMO = "complete-journey"


def source_named(name: str, *, planted_anomalies: Path | None = None) -> Source:
    """`complete-journey`, a database URL, or a folder with a folder (or file) per contract table.

    `planted_anomalies` is the folder in which the demo writes what it planted, for tests only. Raises
    SourceNotFound.
    """
    if name == DEMO:
        return CompleteJourney(planted_anomalies=planted_anomalies)
    if "://" in name:
        return DatabaseSource(name)
    path = Path(name)
    if not path.is_dir():
        raise SourceNotFound(
            f"There is no source '{name}'.",
            hint=f"Give '{DEMO}', a database URL, or an existing folder with a folder per table.",
        )
    return FolderSource(path)
