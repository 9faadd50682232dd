"""The same seed gives the same bytes; another seed gives others."""

from __future__ import annotations

import copy
import hashlib
from pathlib import Path

import duckdb
import pytest

from integrations.demo import CompleteJourney
from integrations.demo.ledger import LEDGER_TABLES, Parameters, simulate
from semantic.sql.quoting import literal


def small(seed: int | None = None) -> Parameters:
    """Parameters of a reduced assortment: the six largest stores."""
    values = copy.deepcopy(Parameters.read().values)
    values["assortment"]["top_stores"] = 6
    values["seed"] = seed or values["seed"]
    return Parameters(values)


def hashes(folder: Path, parameters: Parameters) -> dict[str, str]:
    """Hash of every file of one run."""
    folder.mkdir()
    con = duckdb.connect()
    con.execute("SET threads = 2")
    for table, path in CompleteJourney().files.items():
        con.execute(
            f"CREATE VIEW {table} AS SELECT * FROM read_parquet({literal(path)}, file_row_number = true)"
        )
    simulate(con, parameters, folder)
    return {t: hashlib.sha256((folder / f"{t}.parquet").read_bytes()).hexdigest() for t in LEDGER_TABLES}


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """One run of the reduced ledger."""
    return hashes(tmp_path_factory.mktemp("ledger") / "first", small())


def test_same_seed_same_bytes(first, tmp_path):
    assert hashes(tmp_path / "again", small()) == first


def test_another_seed_another_ledger(first, tmp_path):
    other = hashes(tmp_path / "other", small(seed=7))
    assert other["inventory_snapshots"] != first["inventory_snapshots"]
