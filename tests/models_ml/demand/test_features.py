"""Features know the past and the plan, and nothing of what comes."""

from pathlib import Path

import duckdb
import numpy as np
import pytest

from models_ml.demand.features import build, level
from models_ml.demand.panel import read_panel
from tests.models_ml.small_warehouse import write_features


@pytest.mark.parametrize("tier", ["category", "product"])
def test_later_sales_change_no_feature(tier: str, small: Path, tmp_path: Path) -> None:
    """Absurd sales after the origin leave every feature as it was, to the bit."""
    poisoned = write_features(tmp_path / "poisoned.duckdb", poison_after=33)
    honest, leaked = read_panel(small, tier), read_panel(poisoned, tier)
    assert leaked.units[:, leaked.column(34) :].max() >= 1e4  # the poison is there
    origin = honest.column(33)
    for one, other in zip(build(honest, origin)[:2], build(leaked, origin)[:2], strict=True):
        np.testing.assert_array_equal(one, other)
    later = honest.column(36)
    assert not np.array_equal(build(honest, later)[0], build(leaked, later)[0])


@pytest.mark.parametrize("tier", ["category", "product"])
def test_data_cut_at_the_origin_give_the_same_features(tier: str, small: Path, tmp_path: Path) -> None:
    """A warehouse that ends at the origin week gives the features that the whole warehouse gives for it."""
    short = read_panel(write_features(tmp_path / "short.duckdb", last_week=33), tier)
    whole = read_panel(small, tier)
    np.testing.assert_array_equal(short.items, whole.items)
    one, two = build(short, short.column(33)), build(whole, whole.column(33))
    assert one[2] == two[2]
    np.testing.assert_array_equal(one[0], two[0])


def test_moving_average_equals_sql(small: Path) -> None:
    """The ratio features against window functions written independently."""
    panel = read_panel(small, "category")
    origin = panel.column(40)
    features, scale, names = build(panel, origin)
    with duckdb.connect(str(small), read_only=True) as con:
        rows = con.execute(
            """SELECT location_id, category, sum(units) FILTER (week > 36) / 4 AS ma4,
                      sum(units) FILTER (week > 27) / 13 AS ma13, sum(units) FILTER (week > 34) / 6 AS ma6,
                      sum(units) / 39 AS whole
               FROM sales WHERE week <= 40 GROUP BY ALL ORDER BY ALL"""
        ).fetchall()
    expected = np.array([row[2:] for row in rows], float)
    blend = 0.5 * expected[:, 1] + 0.25 * expected[:, 3] + 0.25 * expected[:, 2]
    np.testing.assert_allclose(scale, np.maximum(blend, 0.15), rtol=1e-9)
    np.testing.assert_allclose(features[:, 0, names.index("ma_4")], expected[:, 0] / scale, rtol=1e-5)
    np.testing.assert_allclose(level(panel.units, origin), scale)


def test_week_without_a_plan_counts_as_ordinary(small: Path) -> None:
    """After the last planned week the plan features are the series' usual, not zero."""
    panel = read_panel(small, "category")
    features, _, names = build(panel, len(panel.weeks) - 1)
    change = features[:, :, [names.index(n) for n in names if n.endswith("_change")]]
    np.testing.assert_allclose(change, 0, atol=1e-6)
