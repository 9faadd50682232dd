"""Proposals from the demo's ledger: reproducible, within their own rules."""

from __future__ import annotations

import json
import time
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from models_ml.recommend.reorder import COLUMNS, propose_reorders
from models_ml.score import score_demand


@pytest.fixture(scope="module")
def proposals(release_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, Path]:
    place = tmp_path_factory.mktemp("scored")
    done = score_demand(
        release_dir / "warehouse.duckdb", "R",
        tracking_uri=f"sqlite:///{place}/none.db", artifact_root=place, output=place / "f.parquet",
    )  # fmt: skip
    return propose_reorders(release_dir / "warehouse.duckdb", done.path, "R"), done.path


@pytest.mark.demo
def test_rows_hold_their_own_rules(proposals: tuple[pd.DataFrame, Path]) -> None:
    rows, _ = proposals
    assert list(rows.columns) == list(COLUMNS)
    assert len(rows) > 50
    assert rows["recommendation_id"].is_unique
    drivers = pd.DataFrame([json.loads(text) for text in rows["drivers"]])
    assert (rows["quantity_units"] % drivers["case_pack_units"] == 0).all()
    position = drivers["on_hand_units"] - drivers["reserved_units"] + drivers["in_transit_units"]
    assert (position + drivers["on_order_units"] < drivers["base_stock_units"]).all()
    assert (drivers["service_target"] >= 0.8).all()
    assert (rows["expected_service"] >= drivers["service_without_order"]).all()
    cash = -(rows["quantity_units"] * drivers["unit_cost_usd"])
    assert (cash - rows["expected_cash_usd"]).abs().max() < 0.01
    assert rows["confidence"].between(0, 1).all()
    assert rows["reason"].str.contains("moving average").any()  # nothing was approved here, and it says so
    assert rows["is_simulated"].all()


@pytest.mark.demo
def test_positions_are_the_ledgers_last_day(proposals: tuple[pd.DataFrame, Path], release_dir: Path) -> None:
    rows, _ = proposals
    with duckdb.connect(str(release_dir / "warehouse.duckdb"), read_only=True) as con:
        stock = con.execute(
            """SELECT location_id, product_id, on_hand_units FROM fct_inventory_daily
               WHERE date_day = (SELECT max(date_day) FROM fct_inventory_daily) AND is_ranged"""
        ).df()
    joined = rows.merge(stock, on=["location_id", "product_id"], how="left")
    said = [json.loads(text)["on_hand_units"] for text in joined["drivers"]]
    assert joined["on_hand_units"].tolist() == said


@pytest.mark.demo
def test_running_twice_proposes_the_same(proposals: tuple[pd.DataFrame, Path], release_dir: Path) -> None:
    rows, forecasts = proposals
    started = time.monotonic()
    again = propose_reorders(release_dir / "warehouse.duckdb", forecasts, "R")
    assert time.monotonic() - started < 30
    pd.testing.assert_frame_equal(rows, again)
