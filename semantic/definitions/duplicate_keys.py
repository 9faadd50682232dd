"""Keys that joins rely on and the data hold twice: found when a release is built, and recorded beside it.

    keys.json: {"duplicates": [{"model": "accounts", "entity": "account", "keys": 2, "first": "a1", …}]}

Without that file, as for a manifest alone, nothing is known of the data and keys are taken as declared.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import ManifestError

KEYS = "keys.json"
DuplicateKeys = Mapping[tuple[str, str], "DuplicateKey"]
"""By (model, entity)."""


@dataclass(frozen=True)
class DuplicateKey:
    """A key of a model with several rows for one value, at one time if the rows are valid for a time.

    keys: how many values have several rows. first: the smallest of them as text, None if it may not be said;
    rows: how many rows it has (of a validity window: how many overlap the next). unless: partitions within
    which the key is unique, so that joins that agree on all of them are sound.
    """

    model: str
    entity: str
    keys: int
    first: str | None = None
    rows: int = 0
    unless: tuple[str, ...] = ()


def write_duplicate_keys(folder: Path, duplicates: Iterable[DuplicateKey]) -> None:
    """Write `keys.json` beside the manifests of a release."""
    body = {"duplicates": [asdict(duplicate) for duplicate in duplicates]}
    (folder / KEYS).write_text(json.dumps(body, indent=1) + "\n")


def duplicate_keys_beside(manifest: Path) -> DuplicateKeys:
    """The keys that were found not unique in the release of a manifest; none if nobody looked.

    Raises ManifestError if the file cannot be read.
    """
    path = manifest.parent / KEYS
    try:
        listed = json.loads(path.read_text())["duplicates"]
        duplicates = [DuplicateKey(**{**raw, "unless": tuple(raw["unless"])}) for raw in listed]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ManifestError(f"The keys of the release cannot be read: {error}.") from error
    return {(duplicate.model, duplicate.entity): duplicate for duplicate in duplicates}
