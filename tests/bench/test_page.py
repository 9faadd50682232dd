"""The page of benchmarks keeps what was not measured this time."""

from __future__ import annotations

from pathlib import Path

from tests.bench.rows import Row, keep, write_page


def test_a_section_replaces_itself_and_leaves_the_others(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    write_page([Row("models", "train", "s", 12.0, 60, holds=True)], page, "make bench ONLY=models", 50.0)
    write_page([Row("api", "p95", "ms", 5.0)], page, "make bench ONLY=api", 600.0)
    write_page([Row("models", "train", "s", 99.0, 60, holds=False)], page, "make bench ONLY=models", 119.6)
    text = page.read_text()
    assert text.count("## models") == text.count("## api") == text.count("# Benchmarks\n") == 1
    assert "| p95 | ms | 5 |" in text and "`make bench ONLY=api`, 10 min on" in text
    assert "`make bench ONLY=models`, 120 s on" in text
    assert "| train | s | 99 | 60 |  |  | **no** |" in text and "| 12 |" not in text


def test_results_keep_other_sections(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    keep([Row("models", "train", "s", 12.0)], results)
    everything = keep([Row("api", "p95", "ms", 5.0)], results)
    assert [row.section for row in everything] == ["models", "api"]
