"""What the platform needs to know of a model to train, review, promote and score it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

Columns = frozenset[tuple[str, str]]
"""(table, column) of a release."""


@dataclass(frozen=True)
class Scored:
    """Where a scoring's rows are, how many, by which model, and why not by a model (empty: by the model).

    `note` says where the model came from if not from the registry.
    """

    path: Path
    rows: int
    model_name: str
    model_version: str
    release_id: str
    fallback_reason: str
    note: str = ""
