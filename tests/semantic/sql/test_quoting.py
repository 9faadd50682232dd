"""Quoting: DuckDB reads back what was written, and no other module quotes by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from semantic.sql import quoting
from semantic.sql.quoting import identifier, literal

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("semantic", "governance", "models_ml", "integrations", "api", "dashboards", "tests")
NASTY = [
    "plain",
    "it's",
    '"quoted"',
    "''",
    '""',
    "a'; DROP TABLE t; --",
    "$x {y} %s ?",
    "back\\slash",
    "é\n日本",
]


@pytest.mark.parametrize("text", NASTY)
def test_text_and_names_come_back_as_they_were(text):
    relation = duckdb.sql(f"SELECT {literal(text)} AS {identifier(text)}")
    assert (relation.columns, relation.fetchall()) == ([text], [(text,)])


@pytest.mark.parametrize("name", ["it's", '"var"', "$x", "a;b", "é"])
def test_a_file_below_any_folder_is_written_and_read(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    duckdb.sql(f"COPY (SELECT 42 AS n) TO {literal(folder / 'part.parquet')} (FORMAT parquet)")
    assert duckdb.sql(f"FROM read_parquet({literal(folder / '*.parquet')})").fetchall() == [(42,)]


def test_nothing_else_doubles_quotes_by_hand():
    """A second way to quote is where one of them is forgotten."""
    doubling = re.compile(r"""\.replace\(\s*(?:"'",\s*"''"|'"',\s*'""')\s*\)""")
    csv = "api/services/csv_text.py"  # tells an empty text from NULL, as no writer of Python 3.11 does
    assert {path for path, _ in _matches(doubling)} == {str(Path(quoting.__file__).relative_to(ROOT)), csv}


def test_no_statement_takes_a_path_between_plain_quotes():
    """`read_parquet('{path}')` breaks at the first apostrophe in a folder's name. Jinja quotes by itself."""
    statement = re.compile(r"""(?:read_\w+\(|\bTO |ATTACH |temp_directory = |FROM )'\{(?![{}])[^}]*\}""")
    assert list(_matches(statement)) == []


def _matches(pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """File and text of each match in our code, this file left out."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if path != Path(__file__).resolve():
                for match in pattern.finditer(path.read_text(encoding="utf-8")):
                    yield str(path.relative_to(ROOT)), match.group(0)
