"""The page keeps the last full run, once, and the benchmarks beside it."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.bench.rows import Row, write_page
from tests.full_run import closing_line, write_result


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2216 passed in 1234.50s (0:20:34)", "2216 passed in 1234.50s (0:20:34)"),
        ("=== 1 failed, 3 passed, 2 skipped in 2.10s ===", "1 failed, 3 passed, 2 skipped in 2.10s"),
        ("Random choices: STEELYARD_TEST_SEED=7 repeats them.", None),
    ],
)
def test_pytest_closes_with_its_counts(line, expected):
    assert closing_line(["collected 3 items\n", f"{line}\n"]) == expected


def test_the_block_replaces_itself_and_survives_a_benchmark(tmp_path):
    page = tmp_path / "benchmarks.md"
    write_page([Row("api", "p95", "ms", 5.0)], page, "make bench ONLY=api", 600.0)
    write_result(page, "1 failed in 3.00s", day=dt.date(2026, 1, 2))
    write_result(page, "9 passed in 4.00s", day=dt.date(2026, 1, 3))
    write_page([Row("models", "train", "s", 12.0)], page, "make bench ONLY=models", 50.0)
    text = page.read_text()
    assert text.count("`make test-full` on 2026-01-03: 9 passed in 4.00s.") == 1
    assert "1 failed" not in text
    assert text.count("## api") == text.count("## models") == 1
