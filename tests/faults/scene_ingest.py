"""A retailer's second delivery: more sales, some of them broken, a corrected supplier, and returns."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from integrations.errors import LandingIncompleteError
from integrations.ingest import ingest, landing_is_complete, require_complete
from integrations.ingest.state import LandingState
from integrations.sources.folder import FolderSource
from semantic.sql.quoting import literal
from tests.conftest import ROOT
from tests.faults.scenes import Scene, State, files

EXAMPLE = ROOT / "docs" / "examples" / "retailer"
TABLES = ("products", "locations", "suppliers", "sales_lines")
TODAY = dt.date(2026, 1, 31)


def prepare(root: Path) -> None:
    """The first half of the sales is landed, the second lies in the folder."""
    for table in TABLES:
        shutil.copytree(EXAMPLE / table, root / "in" / table)
    header, *lines = (EXAMPLE / "sales_lines" / "all.csv").read_text().splitlines()
    half = len(lines) // 2
    _write(root / "in" / "sales_lines" / "all.csv", [header, *lines[:half]])
    job(root)
    _write(root / "in" / "sales_lines" / "more.csv", [header, *lines[half:], "broken", "of, two"])
    shutil.copytree(EXAMPLE / "returns", root / "in" / "returns")
    suppliers = (EXAMPLE / "suppliers" / "all.csv").read_text().splitlines()
    _write(root / "in" / "suppliers" / "corrected.csv", suppliers[:3])


def job(root: Path) -> None:
    ingest(FolderSource(root / "in"), root / "landing", root / "quarantine", as_of=TODAY, threads=1)


def state(root: Path) -> State:
    """Rows of every table with their sequence, what was quarantined, the state file, and the files."""
    landing = root / "landing"
    return {
        "rows": rows(landing),
        "quarantined": {p.parent.parent.name: p.read_text() for p in (root / "quarantine").rglob("*.csv")},
        "known": json.loads((landing / "_landing.json").read_text()),
        "files": [name for name in files(root) if not name.startswith("in/")],
    }


def rows(landing: Path) -> dict[str, Any]:
    """Rows by table, in an order of their own."""
    with duckdb.connect() as connection:
        return {
            folder.name: connection.execute(
                f"SELECT * FROM read_parquet({literal(f'{folder}/*/*.parquet')}) ORDER BY ALL"
            ).fetchall()
            for folder in sorted(landing.iterdir())
            if folder.is_dir() and not folder.name.startswith("_") and list(folder.glob("*/*.parquet"))
        }


def between(root: Path, before: State, after: State) -> None:
    """A landing that may be built from is wholly the old or the new one; the other says that it is not.

    Nothing that was landed before is lost or torn.
    """
    landing = root / "landing"
    if landing_is_complete(landing):
        assert rows(landing) in (before["rows"], after["rows"])
    else:
        with pytest.raises(LandingIncompleteError):
            require_complete(landing)
    batches = {(b.table, b.batch_id) for b in LandingState.read(landing).batches}
    assert batches >= {(b["table"], b["batch_id"]) for b in before["known"]["batches"]}
    for table, landed in rows(landing).items():
        assert set(landed) >= set(before["rows"][table])


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n")


SCENE = Scene("ingest", prepare, job, state, between)
