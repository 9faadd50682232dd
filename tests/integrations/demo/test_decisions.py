"""The demo's simulated decisions: repeatable, by the real approvals, honest about their time."""

from __future__ import annotations

import shutil

import duckdb
import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select

from governance.store import OpsStore
from governance.store.schema import audit_log, decisions, recommendations
from integrations.demo.decisions import history_database, make_history
from integrations.demo.decisions.candidates import read_candidates
from integrations.demo.decisions.planners import PLANNERS, decide_on
from models_ml.demand.artifacts import newest_backtest
from semantic.sql.quoting import literal
from tests.seeds import generator


@pytest.fixture(scope="module")
def histories(release_dir, tmp_path_factory):
    """Two histories of one release."""
    stores = []
    for name in ("once", "again"):
        folder = tmp_path_factory.mktemp(name) / "history"
        make_history(release_dir / "warehouse.duckdb", folder, release_id=release_dir.name)
        stores.append(OpsStore(f"sqlite:///{history_database(folder)}"))
    yield stores
    for store in stores:
        store.close()


def rows(store, table, *columns):
    with store.read() as conn:
        selected = conn.execute(select(*(table.c[c] for c in columns)))
        return sorted(tuple(row) for row in selected)


def test_the_same_release_gives_the_same_history(histories):
    columns = (
        "recommendation_id",
        "quantity_units",
        "state",
        "policy_route",
        "created_at",
        "decided_quantity_units",
    )
    first, second = (
        [[str(v) for v in row] for row in rows(store, recommendations, *columns)] for store in histories
    )
    assert first == second and len(first) > 500
    decided = ("recommendation_id", "decided_by", "decision", "quantity_units", "reason_code", "decided_at")
    assert str(rows(histories[0], decisions, *decided)) == str(rows(histories[1], decisions, *decided))


def test_every_planner_decides_within_reach_and_everything_is_audited_and_simulated(histories):
    store = histories[0]
    region = {p.user: p.region for p in PLANNERS}
    where = dict(rows(store, recommendations, "recommendation_id", "region"))
    decided = rows(store, decisions, "recommendation_id", "decided_by")
    assert {user for _, user in decided} == set(region)
    assert all(region[user] in (None, where[key]) for key, user in decided)
    assert {flag for (flag,) in rows(store, recommendations, "is_simulated")} == {True}
    assert not [s for (s,) in rows(store, recommendations, "state") if s in ("proposed", "in_review")]
    audited = [
        a for (a,) in rows(store, audit_log, "action") if a.split(".")[1] in ("approve", "override", "reject")
    ]
    assert len(audited) == len(decided)


def test_what_is_proposed_does_not_know_the_days_after(release_dir, var_dir, tmp_path):
    """Demand after the first week's end is set to nonsense: what was proposed then stays as it was."""
    copy = tmp_path / "warehouse.duckdb"
    shutil.copy(release_dir / "warehouse.duckdb", copy)
    columns = ["recommendation_id", "quantity_units", "expected_margin", "confidence"]
    backtest = newest_backtest(var_dir / "mlflow" / "artifacts", "demand")
    honest = read_candidates(copy, backtest)
    day = honest.rows["as_of"].min()
    with duckdb.connect(str(copy)) as con:
        con.execute("UPDATE fct_inventory_daily SET demand_units = 999 WHERE date_day > ?", [day])
    disturbed = read_candidates(copy, backtest)
    before, after = (
        c.rows.loc[c.rows["as_of"] == day, columns].reset_index(drop=True) for c in (honest, disturbed)
    )
    assert len(before) > 20
    pd.testing.assert_frame_equal(before, after)
    assert (disturbed.surprise[: len(after)] > honest.surprise[: len(before)]).all()  # the nonsense was there


def test_the_model_speaks_where_it_was_backtested_and_never_from_a_later_week(release_dir, var_dir):
    backtest = newest_backtest(var_dir / "mlflow" / "artifacts", "demand")
    rows = read_candidates(release_dir / "warehouse.duckdb", backtest).rows
    backtested = duckdb.sql(
        f"SELECT DISTINCT location_id, item FROM {literal(backtest)} WHERE tier = 'product'"
    ).fetchall()
    is_backtested = [
        pair in set(backtested) for pair in zip(rows["location_id"], rows["product_id"], strict=True)
    ]
    assert sum(is_backtested) > len(rows) / 2
    assert rows["origin_week"].notna().tolist() == is_backtested
    assert (rows["origin_week"].dropna() <= rows["fiscal_week"][is_backtested]).all()
    assert rows["model_name"].isna().tolist() == [not k for k in is_backtested]


def test_skill_is_what_makes_a_planner_right():
    """On many draws a skilled planner's overrides go the way demand goes; a guesser's go either way."""
    draw = generator()
    right = {}
    for planner in PLANNERS[:2]:
        hits = []
        for _ in range(4000):
            surprise = draw.normal()
            verdict = decide_on(planner, units=12, pack=2, spread=4.0, surprise=surprise, random=draw)
            if verdict.kind == "override":
                hits.append((verdict.units > 12) == (surprise > 0))
        right[planner.user] = float(np.mean(hits))
    assert right["simulated_planner_east"] > 0.8
    assert 0.4 < right["simulated_planner_west"] < 0.6
