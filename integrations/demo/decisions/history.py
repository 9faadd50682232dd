"""Week by week: propose what was known then, let the simulated planners decide by the real approvals."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from governance.approvals import Recommendation, State, decide, expire_due, propose
from governance.identity import Directory
from governance.progress import Progress, silent
from governance.store import OpsStore
from governance.store.migrate import upgrade
from integrations.demo.decisions.candidates import Candidates, read_candidates
from integrations.demo.decisions.planners import PLANNERS, decide_on
from models_ml.demand.score import BASELINE_NAME

SEED = 20170917
NAMESPACE = uuid.UUID("0b1c6c55-6d35-5f0e-9a53-4a5ed10c1d3b")
MORNING_UTC = dt.timedelta(hours=12)  # seven o'clock in the shops


def history_database(folder: Path) -> Path:
    """Where `make_history` puts its store."""
    return folder / "decisions.db"


def make_history(
    warehouse: Path, folder: Path, *, release_id: str, backtest: Path | None = None,
    progress: Progress = silent,
) -> int:  # fmt: skip
    """Make the history anew in `folder`, there whole or not at all; returns how many proposals it holds."""
    candidates = read_candidates(warehouse, backtest)
    fresh = folder.with_name(f".{folder.name}")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    store = OpsStore(f"sqlite:///{history_database(fresh).resolve()}")
    try:
        upgrade(store)
        weeks = list(_weeks(candidates))
        proposed = sum(_week(store, *week, release_id=release_id, progress=progress) for week in weeks)
        end = dt.datetime.combine(weeks[-1][0], dt.time(), dt.UTC) + dt.timedelta(days=9)
        expire_due(store, now=end, request_id="history")  # the past leaves nothing open
    finally:
        store.close()
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    return proposed


def _weeks(candidates: Candidates) -> Iterator[tuple[dt.date, pd.DataFrame]]:
    rows = candidates.rows.assign(surprise=candidates.surprise)
    for day, week in rows.groupby("as_of", sort=True):
        yield pd.Timestamp(str(day)).date(), week


def _week(store: OpsStore, day: dt.date, week: pd.DataFrame, *, release_id: str, progress: Progress) -> int:
    progress(f"simulated planners, week to {day}")
    now = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), dt.UTC) + MORNING_UTC
    expire_due(store, now=now, request_id="history")
    service = replace(Directory.load().service("pipeline"), scopes=frozenset({"propose"}))
    rows = {recommendation_id(row): row for row in week.itertuples()}
    proposed = propose(
        store,
        service,
        [_proposal(key, row, release_id) for key, row in rows.items()],
        now=now,
        request_id=f"history-{day}",
    )
    for record in sorted(proposed, key=lambda r: r.recommendation_id):
        if record.state == State.IN_REVIEW:
            _let_decide(store, record, rows[record.recommendation_id], now)
    return len(proposed)


def _let_decide(store: OpsStore, record: Recommendation, row: Any, now: dt.datetime) -> None:
    role = record.policy_route if record.policy_route == "category_manager" else "planner"
    planner = next(p for p in PLANNERS if p.role == role and p.region in (None, record.region))
    verdict = decide_on(
        planner,
        units=record.quantity_units,
        pack=float(row.pack_units),
        spread=float(row.spread_units),
        surprise=float(row.surprise),
        random=_random(record.recommendation_id),
    )
    if verdict.kind is not None:
        decide(
            store,
            planner.principal(),
            record.recommendation_id,
            verdict.kind,
            quantity=verdict.units,
            reason_code=verdict.reason,
            request_id="history",
            now=now + dt.timedelta(hours=verdict.hours),
        )


def _random(key: str) -> np.random.Generator:
    """A stream of its own per proposal, so that one more pair in the sample changes no other verdict."""
    return np.random.default_rng([SEED, int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")])


def recommendation_id(row: Any) -> str:
    """Stable over runs: pair and week."""
    return str(uuid.uuid5(NAMESPACE, str(row.recommendation_id)))


def _proposal(key: str, row: Any, release_id: str) -> dict[str, Any]:
    day = pd.Timestamp(row.as_of).date()
    by_model = isinstance(row.model_name, str)
    basis = (
        f"by the demand model as of week {row.origin_week:.0f}" if by_model else "at thirteen weeks' demand"
    )
    return {
        "recommendation_id": key,
        "action": "reorder",
        "product_id": row.product_id,
        "product_name": row.product_name,
        "location_id": row.location_id,
        "region": row.region,
        "banner": row.banner,
        "department": row.department,
        "category": row.category,
        "supplier_id": row.supplier_id,
        "quantity_units": float(row.quantity_units),
        "order_by": day + dt.timedelta(days=1),
        "need_by": day + dt.timedelta(days=1 + int(row.lead_days)),
        "expected_units": float(row.expected_units),
        "expected_margin": float(row.expected_margin),
        "expected_cash": float(row.expected_cash),
        "confidence": float(row.confidence),
        "reason": f"Order {row.quantity_units:.0f}: {row.level_units:.0f} needed over "
        f"{row.interval_days:.0f} days {basis}, "
        f"{row.position_units:.0f} at hand or on the way.",
        "drivers": {
            "as_of": day.isoformat(),
            "pack_units": float(row.pack_units),
            "origin_week": int(row.origin_week) if by_model else None,
        },
        "model_name": row.model_name if by_model else BASELINE_NAME,
        "model_version": row.model_version if by_model else BASELINE_NAME,
        "release_id": release_id,
        "is_simulated": True,
    }
