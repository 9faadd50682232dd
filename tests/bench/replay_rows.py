"""Ordering policies replayed on held-out weeks 38–52, at one fill rate, beside the planner's tuned rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from models_ml.demand.settings import FULL, QUICK
from models_ml.replay import Comparison, Outcome, World, compare, read_world, replay
from models_ml.replay.compare import stronger
from models_ml.replay.money import cost, textbook_shares
from models_ml.replay.policies import SHARES
from models_ml.replay.run import NETWORK, ORACLE, OURS, STALE, TUNED, ReplaySettings, demand_of
from models_ml.replay.simulate import Rules
from tests.bench.places import WAREHOUSE
from tests.bench.rows import Row
from tests.seeds import fixed_generator

SECTION = "decisions"
FILL = 0.98
SLICE = 200  # items; fewer say too little
BASELINES = {"category": Rules(pack_units=6, review_days=7), "product": Rules(pack_units=2, review_days=1)}
LESS_STOCK = {"category": -0.05, "product": -0.03}
LESS_LOST = {"category": -0.15, "product": -0.13}


def run(*, quick: bool) -> Iterator[Row]:
    """Quick mode: 600 items a tier, 3 seeds and the pipeline's smaller training, once."""
    settings = ReplaySettings(seeds=3 if quick else 20)
    for tier, rules in BASELINES.items():
        world = read_world(
            WAREHOUSE,
            tier,
            count=600 if quick else 3000 if tier == "category" else 1500,
            seed=20170101,
            origins=(29,) if quick else (29, 37, 45),
            settings=QUICK if quick else FULL,
        )
        yield from Tier(world, rules, list(replay(world, rules, settings)), settings).rows()


@dataclass(frozen=True)
class Tier:
    """The rows of one grain of items."""

    world: World
    rules: Rules
    outcomes: list[Outcome]
    settings: ReplaySettings

    @cached_property
    def demand(self) -> np.ndarray:
        return demand_of(self.world, self.settings)

    @cached_property
    def tuned(self) -> Outcome:
        """The stronger of the planner's tuned rules."""
        rules = [o for o in self.outcomes if o.policy.startswith(TUNED)]
        return stronger(rules, self.demand, FILL)

    def of(self, policy: str) -> Outcome:
        return next(o for o in self.outcomes if o.policy == policy)

    def against(
        self,
        policy: str,
        baseline: Outcome | None = None,
        items: np.ndarray | None = None,
        fill: float = FILL,
    ) -> Comparison:
        return compare(self.of(policy), baseline or self.tuned, self.demand, fill=fill, items=items)

    def reach(self, policy: str) -> float:
        """Where to compare: `FILL`, or the highest whole percent that a policy reaches by every seed."""
        served = self.of(policy).served.sum(2, dtype=float) / self.demand.sum()
        return min(FILL, float(np.floor(served.max(0).min() * 100) / 100))

    def rows(self) -> Iterator[Row]:
        for outcome in self.outcomes:
            comparison = self.against(outcome.policy)
            name = f"{outcome.policy} ({outcome.chosen})" if outcome.chosen else outcome.policy
            if (most := self.reach(outcome.policy)) < FILL:
                yield self._row(f"{name}, never fills {FILL:.0%}: the most that it fills", "share", most)
                continue
            peer = self.against(self.tuned.policy).stock_units
            name += f", units held an item at {FILL:.0%} fill"
            yield self._row(
                name, "units", comparison.stock_units, peer=peer, ratio=_mean(comparison.stock_ratio)
            )
        yield from self._ours()
        yield from self._slices()
        yield from self._network()
        yield from self._ratio()

    def _ours(self) -> Iterator[Row]:
        tier, ours, oracle = self.world.tier, self.against(OURS), self.against(ORACLE)
        less_stock, less_lost = ours.stock_ratio - 1, ours.lost_ratio - 1
        holds = bool(less_stock.mean() <= LESS_STOCK[tier] or less_lost.mean() <= LESS_LOST[tier])
        target = f"{LESS_STOCK[tier]:.0%} stock or {LESS_LOST[tier]:.0%} lost sales"
        for what, less in (("stock", less_stock), ("lost sales at its stock", less_lost)):
            name = f"ours, {what}, against {self.tuned.policy}, {_spread(less)}"
            yield self._row(name, "share", float(less.mean()), target, holds=holds)
        by_items = [
            _mean(self.against(OURS, items=part).stock_ratio) - 1
            for part in np.array_split(fixed_generator(7).permutation(len(self.demand)), 10)
        ]
        name = f"the same in ten random parts of the items, {min(by_items):+.1%} to {max(by_items):+.1%}"
        yield self._row(f"{name}: median", "share", float(np.median(by_items)))
        fill = self.reach(STALE)
        stale = self.against(OURS, self.of(STALE), fill=fill)
        for what, ratio in (("stock", stale.stock_ratio), ("lost sales at its stock", stale.lost_ratio)):
            name = f"ours, {what}, against {STALE}, at {fill:.0%} fill"
            yield self._row(name, "share", _mean(ratio) - 1)
        share = float(less_stock.mean() / (oracle.stock_ratio.mean() - 1))
        yield self._row(
            "share of what the near-true-rate oracle gains", "share", share, 0.5, holds=share >= 0.5
        )

    def _slices(self) -> Iterator[Row]:
        for name, items in slices(self.world, self.demand):
            by_seed = self.against(OURS, items=items).stock_ratio - 1
            less, count = _mean(by_seed), items.sum() if items.dtype == bool else len(items)
            what = f"{name} ({count:,} items), stock, {_spread(by_seed)}"
            yield self._row(what, "share", less, "never worse", holds=less <= 0)

    def _network(self) -> Iterator[Row]:
        comparison = self.against(NETWORK, self.of(OURS))
        less = _mean(comparison.stock_ratio) - 1
        name = "transfers and pre-positioning, stock against ours alone"
        yield self._row(name, "share", less, "better", holds=less < 0)
        yield self._row("the same, lost sales at its stock", "share", _mean(comparison.lost_ratio) - 1)
        alone, helped = (self._cost(policy) for policy in (OURS, NETWORK))
        knob = self.of(OURS).cheapest or 0
        moved = self.of(NETWORK).moved[knob].mean()
        yield self._row(f"network: carrying, unmet demand and {moved:.2f} units moved, at the knob that was "
                        "cheapest before; peer: the sum of its stores", "USD an item", helped[knob],
                        "cheaper", peer=alone[knob], ratio=helped[knob] / alone[knob],
                        holds=bool(helped[knob] < alone[knob]))  # fmt: skip

    def _ratio(self) -> Iterator[Row]:
        """The newsvendor's ratio of each item against the one that replayed cheapest in training weeks."""
        knob = self.of(OURS).cheapest or 0
        shares = textbook_shares(self.world, self.rules)
        at = np.clip(np.abs(SHARES[:, None] - shares).argmin(0), 0, len(SHARES) - 1)
        by_item = self._by_item(OURS)
        textbook = by_item[at, np.arange(len(at))].mean()
        name = f"textbook ratio, {np.median(shares):.1%} at the median item; peer: tuned, {SHARES[knob]:.1%}"
        cost = by_item[knob].mean()
        yield self._row(name, "USD an item", textbook, "dearer than tuned", peer=cost, ratio=textbook / cost,
                        holds=bool(textbook > cost))  # fmt: skip

    def _cost(self, policy: str) -> np.ndarray:
        """Mean over items, by knob."""
        return np.asarray(self._by_item(policy).mean(1))

    def _by_item(self, policy: str) -> np.ndarray:
        """USD in the measured weeks, (knobs, items), the mean of the seeds."""
        outcome = self.of(policy)
        days = 7 * (self.settings.last_week - self.settings.first_week + 1)
        served, mean_stock, moved = (
            part.mean(1) for part in (outcome.served, outcome.mean_stock, outcome.moved)
        )
        return cost(self.world, mean_stock, self.demand - served, moved, days)

    def _row(
        self, name: str, unit: str, measured: float, target: float | str | None = None, *,
        peer: float | None = None, ratio: float | None = None, holds: bool | None = None,
    ) -> Row:  # fmt: skip
        return Row(SECTION, f"{self.world.tier}: {name}", unit, measured, target, peer, ratio, holds)


def slices(world: World, demand: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Kinds of items, each of `SLICE` or more: by promotion, volume, department and region."""
    by_lift = np.argsort(-world.promotion_lift, kind="stable")
    volume = np.digitize(demand, np.quantile(demand, [1 / 3, 2 / 3]))
    slices = {
        "promotion-driven, the greatest lift": by_lift[:SLICE],
        "promotion-driven, the next": by_lift[SLICE : 2 * SLICE],
        "mostly promoted": world.is_promoted, "seldom promoted": ~world.is_promoted,
        "low volume": volume == 0, "middle volume": volume == 1, "high volume": volume == 2,
    }  # fmt: skip
    slices |= {str(name): world.departments == name for name in np.unique(world.departments)}
    slices |= {f"region {name}": world.regions == name for name in np.unique(world.regions)}
    for name, items in slices.items():
        if (items.sum() if items.dtype == bool else len(items)) >= SLICE:
            yield name, items


def _spread(values: np.ndarray) -> str:
    """Least and greatest over the seeds of lead times."""
    return f"{np.nanmin(values):+.1%} to {np.nanmax(values):+.1%} over {len(values)} seeds"


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
