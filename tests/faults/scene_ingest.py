"""A retailer's second delivery: more sales, some of them broken, a corrected supplier, and returns.

Pseudonyms are drawn at random, so that rows are stated with the customers' own keys: found by the key of the
table, which lies beside the landing from the first delivery on.
"""

from __future__ import annotations

import csv
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
from integrations.pseudonyms import PseudonymTable, person_tables
from integrations.sources.folder import FolderSource
from semantic.sql.quoting import identifier, literal
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
    """Rows of every table with their sequence, who has a pseudonym, what was quarantined, the state file, and
    the files."""
    landing = root / "landing"
    return {
        "rows": rows(landing, root / "in"),
        "customers": sorted(customers(landing, root / "in").values()),
        "quarantined": {p.parent.parent.name: p.read_text() for p in (root / "quarantine").rglob("*.csv")},
        "known": json.loads((landing / "_landing.json").read_text()),
        "files": [name for name in files(root) if not name.startswith("in/")],
    }


def rows(landing: Path, source: Path) -> dict[str, Any]:
    """Rows by table, in an order of their own, with the keys of customers as they were delivered.

    Raises duckdb.Error for a pseudonym that is no customer's: one lost, or one of two.
    """
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE names (pseudonym VARCHAR PRIMARY KEY, raw VARCHAR UNIQUE)")
        if names := customers(landing, source):
            connection.executemany("INSERT INTO names VALUES (?, ?)", [list(name) for name in names.items()])
        return {
            folder.name: connection.execute(_select(folder)).fetchall()
            for folder in sorted(landing.iterdir())
            if folder.is_dir() and not folder.name.startswith("_") and list(folder.glob("*/*.parquet"))
        }


def _select(folder: Path) -> str:
    landed = f"read_parquet({literal(f'{folder}/*/*.parquet')}) AS landed"
    column = person_tables().get(folder.name)
    if column is None:
        return f"SELECT * FROM {landed} ORDER BY ALL"
    key = f"landed.{identifier(column.name)}"
    name = f"CASE WHEN {key} IS NOT NULL THEN coalesce(names.raw, error('nobody has ' || {key})) END"
    return (
        f"SELECT landed.* REPLACE ({name} AS {identifier(column.name)}) FROM {landed} "
        f"LEFT JOIN names ON names.pseudonym = {key} ORDER BY ALL"
    )


def customers(landing: Path, source: Path) -> dict[str, str]:
    """The key of each customer of the source's folder who has a pseudonym, by that."""
    raws: set[str] = set()
    for table, column in person_tables().items():
        for path in (source / table).glob("*.csv"):
            with path.open(newline="") as file:
                raws.update(row.get(column.name) or "" for row in csv.DictReader(file))
    people = PseudonymTable.open(landing.parent / "people")
    names = ((people.find(raw), raw) for raw in sorted(raws - {""}))
    return {pseudonym: raw for pseudonym, raw in names if pseudonym is not None}


def between(root: Path, before: State, after: State) -> None:
    """A landing that may be built from is wholly the old or the new one; the other says that it is not.

    Nothing that was landed before is lost or torn.
    """
    landing = root / "landing"
    if landing_is_complete(landing):
        assert rows(landing, root / "in") in (before["rows"], after["rows"])
    else:
        with pytest.raises(LandingIncompleteError):
            require_complete(landing)
    batches = {(b.table, b.batch_id) for b in LandingState.read(landing).batches}
    assert batches >= {(b["table"], b["batch_id"]) for b in before["known"]["batches"]}
    for table, landed in rows(landing, root / "in").items():
        assert set(landed) >= set(before["rows"][table])


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n")


SCENE = Scene("ingest", prepare, job, state, between)
