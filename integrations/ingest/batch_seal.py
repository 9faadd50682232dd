"""Content hashes of a landed batch, written with it: damage is found before a release is built of it.

They tell damage, not forgery: whoever may write the landing may write the hashes, too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from governance.disk import atomic_write
from integrations.ingest.state import LandedBatch, LandingState, batch_folder

SEAL = "_sha256.json"


@dataclass(frozen=True)
class BatchProblem:
    """A batch, named `table/batch`, and what is wrong with it in a sentence."""

    batch: str
    problem: str


@dataclass(frozen=True)
class LandingReport:
    """Batches looked at, how many of them were landed before hashes were kept, and what is wrong."""

    batches: int
    unsealed: int
    problems: tuple[BatchProblem, ...]


def seal_batch(folder: Path) -> None:
    """Write the SHA-256 of every file of a batch that is about to be put in place."""
    write_seal(folder / SEAL, {path.name: sha256_of(path) for path in sorted(folder.glob("*.parquet"))})


def write_seal(path: Path, hashes: Mapping[str, str]) -> None:
    """A seal of these hashes, by name of file, in one rename."""
    atomic_write(path, json.dumps(dict(hashes)) + "\n")


def check_landing(landing: Path) -> LandingReport:
    """Read every batch of a landing in full: hashes against its seal, rows against the state.

    A batch of a version that kept no hashes is held against its number of rows, and counted as unsealed.
    """
    rows = {batch_folder(landing, b.table, b.batch_id): b.rows_loaded for b in _state(landing)}
    folders = sorted(set(landing.glob("*/batch=*")) | rows.keys())
    problems = [
        BatchProblem(f"{folder.parent.name}/{folder.name.removeprefix('batch=')}", problem)
        for folder in folders
        for problem in _problems(folder, rows.get(folder))
    ]
    unsealed = sum(not (folder / SEAL).exists() for folder in folders)
    return LandingReport(len(folders), unsealed, tuple(problems))


def _state(landing: Path) -> list[LandedBatch]:
    """As it was written, with batches whose folder is gone."""
    return LandingState.read(landing, forget_missing=False).batches


def _problems(folder: Path, rows: int | None) -> Iterator[str]:
    if not folder.is_dir():
        yield "is missing"
        return
    parts = sorted(folder.glob("*.parquet"))
    seal = folder / SEAL
    if seal.exists():
        try:
            sealed = dict(json.loads(seal.read_text(encoding="utf-8")))
        except ValueError:
            yield f"{SEAL} cannot be read"
            return
        for name in sorted(sealed.keys() | {part.name for part in parts}):
            if name not in sealed:
                yield f"{name} was added after landing"
            elif not (folder / name).exists():
                yield f"{name} is missing"
            elif sha256_of(folder / name) != sealed[name]:
                yield f"{name} was changed after landing"
        return
    try:
        counted = sum(_rows(part) for part in parts)
    except duckdb.Error as error:
        yield f"cannot be read: {str(error).splitlines()[0]}"
        return
    if not parts or (rows is not None and counted != rows):
        yield f"holds {counted:,} rows; {rows or 0:,} were landed"


def _rows(part: Path) -> int:
    """Every value is read, so that damage anywhere is met."""
    with duckdb.connect() as connection:
        connection.execute("SELECT bit_xor(hash(COLUMNS(*))) FROM read_parquet(?)", [str(part)]).fetchall()
        counted = connection.execute("SELECT count(*) FROM read_parquet(?)", [str(part)]).fetchall()
    return int(counted[0][0])


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
