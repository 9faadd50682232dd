"""Every landed batch carries the hashes of its files; damage of each kind is named."""

from __future__ import annotations

import pytest

from integrations.ingest import check_landing
from integrations.ingest.batch_seal import SEAL
from tests.faults import scene_ingest


@pytest.fixture
def landing(tmp_path):
    scene_ingest.prepare(tmp_path)
    return tmp_path / "landing"


def test_every_batch_is_sealed(landing):
    report = check_landing(landing)
    assert report.problems == () and report.unsealed == 0
    assert report.batches == len(list(landing.glob("*/batch=*"))) > 10, "empty and platform tables, too"


@pytest.mark.parametrize("what", ["change", "remove", "add", "unreadable seal"])
def test_what_is_not_as_landed_is_named(landing, what):
    folder = next(landing.glob("sales_lines/batch=*"))
    part = folder / "part-0.parquet"
    if what == "change":
        body = bytearray(part.read_bytes())
        body[len(body) // 2] ^= 1
        part.write_bytes(body)
    elif what == "remove":
        part.unlink()
    elif what == "add":
        (folder / "part-1.parquet").write_bytes(part.read_bytes())
    else:
        (folder / SEAL).write_text("{")
    (problem,) = check_landing(landing).problems
    assert problem.batch == f"sales_lines/{folder.name.removeprefix('batch=')}"
    expected = {"change": "was changed", "remove": "is missing", "add": "was added", "unreadable seal": SEAL}
    assert expected[what] in problem.problem
