"""A change made through DuckDB is found when a release is opened, whatever was done to size and dates."""

from __future__ import annotations

import os

import duckdb
import pytest

from governance.releases import ReleaseCorruptError, check_content
from governance.releases.layout import DEFINITIONS, WAREHOUSE, open_release, seal


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "20260101T000000-abc"
    folder.mkdir()
    with duckdb.connect(str(folder / WAREHOUSE)) as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT range AS n, hash(range)::VARCHAR AS x FROM range(200000)"
        )
    for name in DEFINITIONS:
        (folder / name).write_text("{}")
    seal(folder, folder.name, "2026-01-01", "abc")
    return folder


def test_an_update_padded_to_its_size_is_found_at_open(folder):
    check_content(open_release(folder))
    path = folder / WAREHOUSE
    before = path.stat()
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE t SET n = 0 WHERE n = 7")
    body = path.read_bytes()[: before.st_size]
    path.write_bytes(body + bytes(before.st_size - len(body)))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ReleaseCorruptError, match="was changed after sealing"):
        open_release(folder)


def test_a_byte_between_the_sampled_pages_is_found_by_the_full_check(folder):
    path = folder / WAREHOUSE
    body = bytearray(path.read_bytes())
    pages = {len(body) * number // 64 // 4096 for number in range(64)} | {0, 1, 2}
    free = next(page for page in range(len(body) // 4096) if page not in pages)
    body[free * 4096 + 5] ^= 1
    path.write_bytes(body)
    with pytest.raises(ReleaseCorruptError, match=WAREHOUSE):
        check_content(open_release(folder))
