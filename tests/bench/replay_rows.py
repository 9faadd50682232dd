"""Ordering policies replayed on held-out weeks 38–52, at one fill rate, beside the planner's tuned rule."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from models_ml.demand.settings import FULL, QUICK
from models_ml.replay import Outcome, World, compare, read_world, replay
from models_ml.replay.compare import stronger
from models_ml.replay.run import ORACLE, OURS, TUNED, ReplaySettings, demand_of
from models_ml.replay.simulate import Rules
from tests.bench.rows import Row

SECTION = "decisions"
FILL = 0.98
SLICE = 200  # items; fewer say too little
RULES = {"category": Rules(pack_units=6, review_days=7), "product": Rules(pack_units=2, review_days=1)}
LESS_STOCK = {"category": -0.05, "product": -0.03}
LESS_LOST = {"category": -0.15, "product": -0.13}


def run(*, quick: bool) -> Iterator[Row]:
    """Quick mode: 600 items a tier, 3 seeds and the pipeline's smaller training."""
    settings = ReplaySettings(seeds=3 if quick else 20)
    for tier, rules in RULES.items():
        world = read_world(
            Path("var/current/warehouse.duckdb"),
            tier,
            count=600 if quick else 3000 if tier == "category" else 1500,
            seed=20170101,
            origins=(29, 37, 45),
            settings=QUICK if quick else FULL,
        )
        yield from _tier(tier, world, list(replay(world, rules, settings)), demand_of(world, settings))


def _tier(tier: str, world: World, outcomes: list[Outcome], demand: np.ndarray) -> Iterator[Row]:
    tuned = stronger([o for o in outcomes if o.policy.startswith(TUNED)], demand, FILL)
    against = {o.policy: compare(o, tuned, demand, fill=FILL) for o in outcomes}
    ours, oracle = against[OURS], against[ORACLE]
    less_stock, less_lost = ours.stock_ratio - 1, ours.lost_ratio - 1
    holds = bool(less_stock.mean() <= LESS_STOCK[tier] or less_lost.mean() <= LESS_LOST[tier])
    stock, lost = f"{LESS_STOCK[tier]:.0%} stock", f"{LESS_LOST[tier]:.0%} lost sales"
    target = f"{stock} or {lost}"
    for policy, found in against.items():
        name = f"{tier}: {policy}, units held an item"
        yield Row(SECTION, name, "units", found.stock_units, None, against[tuned.policy].stock_units,
                  _mean(found.stock_ratio))  # fmt: skip
    yield Row(SECTION, f"{tier}: ours, stock against {tuned.policy}, {_spread(less_stock)}", "share",
              float(less_stock.mean()), target, holds=holds)  # fmt: skip
    yield Row(SECTION, f"{tier}: ours, lost sales at its stock, {_spread(less_lost)}", "share",
              float(less_lost.mean()), target, holds=holds)  # fmt: skip
    share = float(less_stock.mean() / (oracle.stock_ratio.mean() - 1))
    name = f"{tier}: share of what the near-true-rate oracle gains"
    yield Row(SECTION, name, "share", share, 0.5, holds=share >= 0.5)
    ours_outcome = next(o for o in outcomes if o.policy == OURS)
    for name, items in _slices(world, demand):
        found = compare(ours_outcome, tuned, demand, fill=FILL, items=items)
        less = _mean(found.stock_ratio) - 1
        title = f"{tier}: {name} ({items.sum():,} items), stock"
        yield Row(SECTION, title, "share", less, "never worse", holds=less <= 0)


def _slices(world: World, demand: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    volume = np.digitize(demand, np.quantile(demand, [1 / 3, 2 / 3]))
    found = {
        "mostly promoted": world.is_promoted, "seldom promoted": ~world.is_promoted,
        "low volume": volume == 0, "middle volume": volume == 1, "high volume": volume == 2,
    }  # fmt: skip
    found |= {str(name): world.departments == name for name in np.unique(world.departments)}
    yield from ((name, items) for name, items in found.items() if items.sum() >= SLICE)


def _spread(values: np.ndarray) -> str:
    """Least and greatest over the seeds of lead times."""
    return f"{np.nanmin(values):+.1%} to {np.nanmax(values):+.1%} over {len(values)} seeds"


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
