"""Proposals from the demo's ledger: within their own rules, reproducible, and never asked twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from governance.approvals import STATES, decide, list_recommendations, propose, withdraw_recommendations
from governance.identity import Directory
from governance.store import OpsStore
from governance.store.migrate import upgrade
from models_ml.demand.score import score_demand
from models_ml.recommend.proposal import COLUMNS
from models_ml.recommend.reproduce import reproduce
from models_ml.recommend.run import Recommended, recommend

NOW = dt.datetime(2018, 1, 1, 8, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def forecasts(release_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("scored")
    return score_demand(
        release_dir / "warehouse.duckdb", "R",
        tracking_uri=f"sqlite:///{place}/none.db", artifact_root=place, output=place / "f.parquet",
    ).path  # fmt: skip


@pytest.fixture(scope="module")
def recommended(release_dir: Path, forecasts: Path) -> Recommended:
    return recommend(release_dir / "warehouse.duckdb", forecasts, "R", now=NOW)


def _drivers(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(rows["drivers"].tolist(), index=rows.index)


def test_every_row_is_whole(recommended: Recommended) -> None:
    rows = recommended.rows
    assert list(rows.columns) == list(COLUMNS)
    assert rows["recommendation_id"].is_unique
    assert rows["confidence"].between(0, 1).all()
    assert rows["is_simulated"].all()
    assert {"reorder", "transfer", "markdown", "expedite", "defer", "investigate"} <= set(rows["action"])
    for row in rows.to_dict("records"):
        details = row["details"]
        assert {"alternatives", "against", "weekly", "drivers_in_words", "lineage"} <= set(details)
        options = details["alternatives"]
        assert [option["is_proposed"] for option in options] == [True] + [False] * (len(options) - 1)
        assert "nothing" in {option["action"] for option in options}
        assert row["reason"].endswith(".")


def test_reorders_hold_their_own_rules(recommended: Recommended) -> None:
    rows = recommended.rows[recommended.rows["action"] == "reorder"]
    drivers = _drivers(rows)
    assert len(rows) > 50
    assert (rows["quantity_units"] % drivers["case_pack_units"] == 0).all()
    assert (drivers["position_units"] < drivers["base_stock_units"]).all()
    assert (drivers["service_target"] >= 0.8).all()
    assert (rows["expected_service"] >= drivers["service_without_order"]).all()
    assert drivers["replenished_from"].isna().all()  # what a centre delivers is moved, not bought
    assert rows["reason"].str.contains("moving average").any()  # nothing was approved here, and it says so


def test_positions_are_the_ledgers_last_day(recommended: Recommended, release_dir: Path) -> None:
    rows = recommended.rows[recommended.rows["action"] == "reorder"]
    with duckdb.connect(str(release_dir / "warehouse.duckdb"), read_only=True) as con:
        stock = con.execute(
            """SELECT location_id, product_id, on_hand_units FROM fct_inventory_daily
               WHERE date_day = (SELECT max(date_day) FROM fct_inventory_daily) AND is_ranged"""
        ).df()
    joined = rows.merge(stock, on=["location_id", "product_id"], how="left")
    assert joined["on_hand_units"].tolist() == [drivers["on_hand_units"] for drivers in joined["drivers"]]


def test_expected_effects_come_out_of_what_is_stored(recommended: Recommended) -> None:
    for row in recommended.rows.to_dict("records"):
        for name, value in reproduce(row).items():
            if pd.notna(row[name]):
                assert value == pytest.approx(row[name], abs=2e-4), (row["action"], name, row["drivers"])


def test_the_same_inputs_propose_the_same(
    recommended: Recommended, release_dir: Path, forecasts: Path
) -> None:
    again = recommend(release_dir / "warehouse.duckdb", forecasts, "R", now=NOW)
    pd.testing.assert_frame_equal(recommended.rows, again.rows)


class Shop:
    """A store of decisions, and runs against it."""

    def __init__(self, warehouse: Path, forecasts: Path, place: Path) -> None:
        self.warehouse, self.forecasts = warehouse, forecasts
        self.store = OpsStore(f"sqlite:///{place}/ops.db")
        upgrade(self.store)
        self.directory = Directory.load()
        self.service = replace(self.directory.service("pipeline"), scopes=frozenset({"propose"}))

    def run(self) -> tuple[Recommended, list]:
        past = list_recommendations(self.store, limit=10**6, state=[s for s in STATES if s != "expired"])
        recommended = recommend(
            self.warehouse, self.forecasts, "R", earlier=[row.as_dict() for row in past.items], now=NOW,
            proposed_by=self.service.actor,
        )  # fmt: skip
        withdraw_recommendations(
            self.store, recommended.deduplicated.withdrawn, reason="not needed any more", now=NOW
        )
        plain = recommended.rows.astype(object).where(recommended.rows.notna(), None).to_dict("records")
        return recommended, propose(self.store, self.service, plain, now=NOW)

    def open_of(self, action: str, region: str = "East") -> list:
        items = list_recommendations(
            self.store, limit=10**6, state="in_review", action=action, region=region, policy_route="planner"
        ).items
        return list(items)


@pytest.fixture
def shop(release_dir: Path, forecasts: Path, tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(release_dir / "warehouse.duckdb", forecasts, tmp_path)
    yield shop
    shop.store.close()


def test_what_is_decided_is_netted_and_not_asked_again(shop: Shop) -> None:
    """Run, run again, decide, run: the second proposes nothing, the third nothing about what was decided."""
    first, proposed = shop.run()
    assert len(proposed) == len(first.rows) > 50
    again, nothing = shop.run()
    assert nothing == []
    assert again.deduplicated.withdrawn == ()
    planner = shop.directory.user("planner_east")
    orders, moves = shop.open_of("reorder")[:6], shop.open_of("transfer")[:2]
    for order in orders[:3] + moves:
        decide(shop.store, planner, order.recommendation_id, "approve", now=NOW)
    for order in orders[3:5]:
        decide(
            shop.store, planner, order.recommendation_id, "override", quantity=0, reason_code="space", now=NOW
        )
    decide(shop.store, planner, orders[5].recommendation_id, "reject", reason_code="duplicate", now=NOW)
    later, new = shop.run()
    assert new == []
    assert later.considered["reorder"] < first.considered["reorder"]  # approved ones are no need any more
    wanted = {(row["product_id"], row["location_id"]) for row in later.rows.to_dict("records")}
    assert not wanted & {(row.product_id, row.location_id) for row in orders[:3]}


def test_requests_group_lines_by_supplier_and_place(recommended: Recommended) -> None:
    rows = recommended.rows[recommended.rows["action"] == "reorder"]
    requests = pd.DataFrame([row["details"]["request"] for row in rows.to_dict("records")], index=rows.index)
    by_hand = rows.groupby(["supplier_id", "location_id"])["quantity_units"].agg(["size", "sum"])
    each = requests.assign(supplier_id=rows["supplier_id"]).groupby("request_id").first()
    assert len(each) == len(by_hand)
    joined = each.join(by_hand, on=["supplier_id", "to"])
    assert (joined["lines"] == joined["size"]).all()
    assert (joined["units"] == joined["sum"]).all()
