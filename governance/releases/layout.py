"""One release on disk: the names of its files and how it is sealed and checked."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from governance.json_types import JsonDict
from governance.releases.errors import ReleaseCorruptError

WAREHOUSE = "warehouse.duckdb"  # constant: dbt writes the catalog's name into views
DEFINITIONS = ("manifest.json", "semantic_manifest.json", "run_results.json", "lineage.json")
KEYS = "keys.json"  # the keys that the data hold twice
STATE = "build_state.json"  # what was built and what reused, with the key of each node
SEAL = "release.json"
_PAGE = 4096  # of DuckDB's headers
_SAMPLED = 64


@dataclass(frozen=True)
class Release:
    """A sealed folder. `fingerprint` names what it was built from: landing batches and dbt project."""

    release_id: str
    path: Path
    created_at: str
    fingerprint: str

    @property
    def warehouse(self) -> Path:
        return self.path / WAREHOUSE

    @property
    def manifest(self) -> Path:
        return self.path / "manifest.json"

    @property
    def semantic_manifest(self) -> Path:
        return self.path / "semantic_manifest.json"

    @property
    def run_results(self) -> Path:
        return self.path / "run_results.json"

    @property
    def lineage(self) -> Path:
        return self.path / "lineage.json"


def seal(folder: Path, release_id: str, created_at: str, fingerprint: str) -> None:
    """Write `release.json`: what the folder holds, so that a damaged copy is found before it serves.

    Every file is sealed by SHA-256, the warehouse by its size and a sample as well: gigabytes at scale, it is
    read in full when it is published and by `doctor --deep`.
    """
    body = {
        "release_id": release_id,
        "created_at": created_at,
        "fingerprint": fingerprint,
        "warehouse_bytes": (folder / WAREHOUSE).stat().st_size,
        "warehouse_sample_sha256": _sample(folder / WAREHOUSE),
        "warehouse_sha256": _sha256(folder / WAREHOUSE),
        "sha256": {n: _sha256(folder / n) for n in (*DEFINITIONS, KEYS, STATE) if (folder / n).exists()},
    }
    (folder / SEAL).write_text(json.dumps(body, indent=2) + "\n")


def open_release(folder: Path) -> Release:
    """Read the seal and hold the folder against it. Raises ReleaseCorruptError naming the file."""
    body = _read_seal(folder)
    if body["release_id"] != folder.name:
        raise ReleaseCorruptError(f"Release {folder.name}: {SEAL} is that of {body['release_id']}.")
    warehouse = folder / WAREHOUSE
    if not warehouse.is_file() or warehouse.stat().st_size != body["warehouse_bytes"]:
        raise ReleaseCorruptError(f"Release {folder.name}: {WAREHOUSE} is missing or not of its sealed size.")
    if body.get("warehouse_sample_sha256") not in (None, _sample(warehouse)):
        raise ReleaseCorruptError(f"Release {folder.name}: {WAREHOUSE} was changed after sealing.")
    for name, digest in body["sha256"].items():
        if not (folder / name).is_file() or _sha256(folder / name) != digest:
            raise ReleaseCorruptError(
                f"Release {folder.name}: {name} is missing or was changed after sealing."
            )
    return Release(body["release_id"], folder, body["created_at"], body["fingerprint"])


def check_content(release: Release) -> None:
    """Read every file of the release against its seal. Raises ReleaseCorruptError naming what differs."""
    open_release(release.path)
    check_warehouse(release)


def check_warehouse(release: Release) -> None:
    """Read the whole warehouse against its seal.

    Raises ReleaseCorruptError; an older seal knows its size only.
    """
    sealed = _read_seal(release.path).get("warehouse_sha256")
    if sealed is not None and sealed != _sha256(release.warehouse):
        raise ReleaseCorruptError(f"Release {release.release_id}: {WAREHOUSE} was changed after sealing.")


def _read_seal(folder: Path) -> JsonDict:
    try:
        body = json.loads((folder / SEAL).read_text())
        if {"release_id", "created_at", "fingerprint", "warehouse_bytes", "sha256"} <= body.keys():
            return dict(body)
    except (OSError, ValueError, AttributeError):
        pass
    raise ReleaseCorruptError(
        f"Release {folder.name}: {SEAL} is missing or unreadable.", hint="Build a new release."
    )


def _sample(path: Path) -> str:
    """SHA-256 of DuckDB's three header pages and of 64 pages spread over the file.

    DuckDB writes a header anew whenever it writes anything, so that no change made through it passes. A byte
    that something else turned may lie between the pages: the full hash meets it.
    """
    digest, size = hashlib.sha256(), path.stat().st_size
    with path.open("rb") as file:
        digest.update(file.read(3 * _PAGE))
        for number in range(_SAMPLED):
            file.seek(size * number // _SAMPLED // _PAGE * _PAGE)
            digest.update(file.read(_PAGE))
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
