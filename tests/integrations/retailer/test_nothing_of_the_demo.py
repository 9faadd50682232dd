"""Nothing of one retailer is in what every retailer runs: no region, department, year or zone of the demo."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DEMO = re.compile(
    r"America/New_York|\b(FUEL|MISCELLANEOUS|COUPON/MISC ITEMS|DRUG GM|KIOSK-GAS)\b|'(East|West|North|South)'"
)
FILES = sorted(
    path
    for folder, pattern in (
        ("dbt_project/models", "**/*.sql"),
        ("dbt_project/macros", "*.sql"),
        ("dbt_project", "dbt_project.yml"),
        ("semantic", "**/*.py"),
        ("models_ml", "**/*.py"),
        ("integrations/ingest", "**/*.py"),
        ("integrations/platform", "**/*.py"),
        ("integrations/retailer", "**/*.py"),
        ("integrations/sources", "**/*.py"),
    )
    for path in (ROOT / folder).glob(pattern)
)


def without_docstrings(text: str) -> str:
    return re.sub(r'"""(.|\n)*?"""', "", text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_rule_of_the_demo_is_left(path):
    text = path.read_text()
    match = DEMO.search(without_docstrings(text) if path.suffix == ".py" else text)
    assert match is None, f"{match[0]!r} is the demo's: a setting of retailer.yaml instead"


def test_there_is_something_to_search():
    assert len(FILES) > 200 and DEMO.search("department not in ('FUEL')")
