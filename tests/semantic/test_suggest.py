"""Near misses: found in one place, by spelling, whatever the case, or by the last part of a name."""

from pathlib import Path

import pytest

from semantic.suggest import near, near_misses

ROOT = Path(__file__).parents[2]
NAMES = ["net_sales", "gross_sales", "customer__age_band", "20260105T120000-1a2b3c4d", "Planner_East"]


@pytest.mark.parametrize(
    ("name", "matches"),
    [
        ("net_sale", ["net_sales"]),
        ("NET_SALES", ["net_sales"]),
        ("planner_east", ["Planner_East"]),
        ("20260105t120000-1a2b3c4e", ["20260105T120000-1a2b3c4d"]),
        ("household__age_band", ["customer__age_band"]),
        ("zzz", []),
        ("", []),
    ],
)
def test_near_misses(name, matches):
    assert near_misses(name, NAMES, 1) == matches
    assert near(name, NAMES, 1) == (f"Did you mean {matches[0]}?" if matches else "")


def test_several_are_named_with_the_nearest_first():
    assert near("gros_sales", NAMES, 2) == "Did you mean gross_sales or net_sales?"


def test_a_very_long_name_is_compared_by_its_beginning():
    assert near("x" * 10**6, NAMES) == ""


@pytest.mark.parametrize("package", ["semantic", "governance", "models_ml", "integrations", "api"])
def test_nobody_else_compares_spellings(package):
    files = [*(ROOT / package).rglob("*.py")]
    using = {str(file.relative_to(ROOT)) for file in files if "difflib" in file.read_text()}
    assert using <= {"semantic/suggest.py"}
