"""Files that are made, or broken, to be endless: refused in words, in bounded memory and time."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from semantic.sql.quoting import literal
from tests.conftest import ROOT

HEADER = "customer_id,age_band\n"
MEGABYTE = b"a" * (1 << 20)
MOST_MEGABYTES = 1_300
"""The ingest's own DuckDB may use 1,500 MB; nothing here takes it.

Measured by VmHWM, the child's own peak: `ru_maxrss` begins with that of the process that started it, here a
worker with a whole run of tests behind it.
"""

CHILD = """
import json, sys, time
from pathlib import Path
from integrations.ingest import ingest
from integrations.sources.folder import FolderSource
from semantic.errors import SteelyardError
results = {}
for folder in sorted(Path(sys.argv[1]).iterdir()):
    began = time.monotonic()
    try:
        ingest(FolderSource(folder / "in"), folder / "landing", folder / "quarantine", tolerance=0.9)
        said = ["landed", ""]
    except SteelyardError as error:
        said = [error.code, error.message]
    results[folder.name] = said + [time.monotonic() - began]
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(json.dumps([results, int(status["VmHWM"].split()[0]) // 1024]))
"""


def zipped(path: Path, head: bytes, chunk: bytes, times: int) -> None:
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(head)
        for _ in range(times):
            file.write(chunk)


def parquet(path: Path, select: str) -> None:
    with duckdb.connect() as con:
        con.execute(f"COPY ({select}) TO {literal(path)} (FORMAT parquet)")


def deep_parquet(path: Path) -> None:
    kind: pa.DataType = pa.string()
    for _ in range(90):
        kind = pa.struct([("a", kind)])
    pq.write_table(pa.table({"customer_id": pa.array(["1"]), "age_band": pa.nulls(1, kind)}), path)


def broken_page(path: Path) -> None:
    """Sound at both ends, garbage between them."""
    parquet(path, "SELECT i::VARCHAR AS customer_id, md5(i::VARCHAR) AS age_band FROM range(50000) r(i)")
    content = bytearray(path.read_bytes())
    content[40:4000] = b"\xff" * 3960
    path.write_bytes(content)


BOMBS = {
    "one_line_of_a_gigabyte": lambda f: zipped(f / "c.csv.gz", HEADER.encode(), MEGABYTE, 1000),
    "a_header_without_end": lambda f: zipped(f / "c.csv.gz", b"", MEGABYTE, 300),
    "an_archive_of_small_rows": lambda f: zipped(f / "c.csv.gz", HEADER.encode(), b"1,a\n" * 262_144, 400),
    "a_quote_that_is_never_closed": lambda f: (f / "c.csv").write_bytes(
        HEADER.encode() + b'1,"' + b"x\n" * 10_000_000
    ),
    "a_record_of_many_lines": lambda f: (f / "c.csv").write_bytes(
        HEADER.encode() + b"1" + b',"a\n"' * 4_000_000
    ),
    "a_million_columns": lambda f: (f / "c.csv").write_bytes(
        b",".join([b"c%d" % i for i in range(1_000_000)])
    ),
    "rows_out_of_nothing": lambda f: parquet(
        f / "c.parquet", "SELECT '1' AS customer_id, 'a' AS age_band FROM range(30000000)"
    ),
    "a_wide_parquet": lambda f: parquet(
        f / "c.parquet", "SELECT '1' AS customer_id, " + ", ".join(f"1 AS c{i}" for i in range(2500))
    ),
    "a_deep_parquet": lambda f: deep_parquet(f / "c.parquet"),
    "a_broken_page": lambda f: broken_page(f / "c.parquet"),
    "json_that_never_ends": lambda f: (f / "c.csv").write_text(HEADER + '{"a":' * 200_000 + ",1,2\n2,a\n"),
}
LANDS = {"a_deep_parquet", "json_that_never_ends"}


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> tuple[dict[str, list], int]:
    """What each bomb was answered with, in one process, and its peak memory in megabytes."""
    root = tmp_path_factory.mktemp("bombs")
    for name, make in BOMBS.items():
        folder = root / name / "in" / "customers"
        folder.mkdir(parents=True)
        make(folder)
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(root)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert child.returncode == 0, child.stderr[-2000:]
    return tuple(json.loads(child.stdout.splitlines()[-1]))


@pytest.mark.parametrize("name", BOMBS)
def test_it_is_refused_in_words_or_harmless(results, name):
    code, message, seconds = results[0][name]
    assert code == "landed" if name in LANDS else code in ("file-unreadable", "header-invalid"), message
    assert "customers/c." in message or name in LANDS
    assert len(message) < 400 and seconds < 120


def test_memory_stays_bounded(results):
    assert results[1] < MOST_MEGABYTES
