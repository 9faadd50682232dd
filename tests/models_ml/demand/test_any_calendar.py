"""Weeks are columns by their days: whatever numbers they have, and whether or not one is left out."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from models_ml.demand.censoring import read_empty_days
from models_ml.demand.model import fit
from models_ml.demand.panel import TIERS, Panel, read_panel
from models_ml.demand.score import score_demand
from models_ml.demand.settings import DemandSettings
from models_ml.margin_risk.panel import read_margin_panel
from tests.models_ml.small_warehouse import WEEKS, write_features

LEFT_OUT = 20


def number(week: int) -> int:
    """Another number for each week, in no order: 97 is prime, so that none comes twice."""
    return week * 31 % 97 + 1


@pytest.fixture(scope="module")
def renumbered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _edited(tmp_path_factory, "UPDATE {table} SET week = week * 31 % 97 + 1")


@pytest.fixture(scope="module")
def with_a_gap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _edited(
        tmp_path_factory, f"DELETE FROM {{table}} WHERE week = {LEFT_OUT}", only="feat_calendar_week"
    )


def _edited(factory: pytest.TempPathFactory, statement: str, only: str | None = None) -> Path:
    path = write_features(factory.mktemp("features") / "warehouse.duckdb")
    with duckdb.connect(str(path)) as con:
        tables = con.execute(
            "SELECT table_name FROM duckdb_columns() WHERE column_name = 'week' AND table_name LIKE 'feat_%'"
        ).fetchall()
        assert len(tables) > 6
        for (table,) in tables:
            if only in (None, table):
                con.execute(statement.format(table=table))
    return path


def _arrays(panel: Panel) -> dict[str, np.ndarray]:
    pools = {f"{name} {part}": getattr(pool, part) for name, pool in panel.pools.items()
             for part in ("units", "baskets", "member")}  # fmt: skip
    return {**panel.measures, **panel.plan, **panel.calendar, **pools, "plan_known": panel.plan_known}


@pytest.mark.parametrize("tier", TIERS)
def test_numbers_in_any_order_give_the_same_panel(small: Path, renumbered: Path, tier: str) -> None:
    usual, other = read_panel(small, tier), read_panel(renumbered, tier)
    assert list(other.weeks) == [number(week) for week in usual.weeks]
    assert list(other.coming) == [number(week) for week in usual.coming]
    for name, values in _arrays(usual).items():
        np.testing.assert_array_equal(_arrays(other)[name], values, name)
    assert usual.units.sum() > 0


def test_money_and_empty_shelves_come_in_the_same_weeks(small: Path, renumbered: Path) -> None:
    usual, other = read_margin_panel(small), read_margin_panel(renumbered)
    for one, two in zip(
        [*usual.money, *usual.plan.values()], [*other.money, *other.plan.values()], strict=True
    ):
        np.testing.assert_array_equal(one, two)
    shelves = [read_empty_days(path, read_panel(path, "product")) for path in (small, renumbered)]
    np.testing.assert_array_equal(*shelves)
    assert shelves[0].sum() > 0


def test_numbers_in_any_order_give_the_same_forecasts(
    small: Path, renumbered: Path, quick: DemandSettings, tmp_path: Path
) -> None:
    panels = [read_panel(path, "category") for path in (small, renumbered)]
    one, two = (fit(panel, 40, quick).forecast(panel, 40) for panel in panels)
    np.testing.assert_array_equal(one.quantiles, two.quantiles)
    one, two = (_scored(path, tmp_path / name) for path, name in ((small, "a"), (renumbered, "b")))
    assert list(two["week"]) == [number(week) for week in one["week"]]
    assert set(two["origin_week"]) == {number(WEEKS)}
    labels = ["week", "origin_week"]
    pd.testing.assert_frame_equal(one.drop(columns=labels), two.drop(columns=labels))
    assert (one.groupby("horizon")["week_ending"].nunique() == 1).all()


def _scored(warehouse: Path, place: Path) -> pd.DataFrame:
    where = {"tracking_uri": f"sqlite:///{place}/mlflow.db", "artifact_root": place / "artifacts"}
    return pd.read_parquet(score_demand(warehouse, "R1", output=place / "forecast.parquet", **where).path)


@pytest.mark.parametrize("tier", TIERS)
def test_a_week_that_the_calendar_leaves_out_moves_no_other(small: Path, with_a_gap: Path, tier: str) -> None:
    usual, other = read_panel(small, tier), read_panel(with_a_gap, tier)
    column = usual.column(LEFT_OUT)
    assert list(other.weeks) == [week for week in usual.weeks if week != LEFT_OUT]
    for name, values in usual.measures.items():
        np.testing.assert_array_equal(other.measures[name], np.delete(values, column, 1), name)
    for name, values in usual.plan.items():
        np.testing.assert_array_equal(other.plan[name], np.delete(values, column, 1), name)


def test_days_that_a_retailer_names_are_features_of_the_calendar(
    small: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    add: Callable[[str], str] = "ALTER TABLE {{table}} ADD COLUMN {name} INT DEFAULT 1".format_map
    named = _edited(tmp_path_factory, add({"name": "is_golden_week"}), only="feat_calendar_week")
    with duckdb.connect(str(named)) as con:
        for name in ("is_easter", "is_memorial_day", "is_independence_day", "is_labor_day"):
            con.execute(f"ALTER TABLE feat_calendar_week DROP COLUMN {name}")
    assert list(read_panel(named, "category").calendar) == [
        "is_golden_week", "is_holiday", "is_before_holiday",
    ]  # fmt: skip
    assert "is_easter" in read_panel(small, "category").calendar
