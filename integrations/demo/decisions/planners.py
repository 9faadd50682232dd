"""Simulated planners: how well each foresees demand, how readily each overrules, how soon each decides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from governance.identity import Principal

EVERYTHING = frozenset({"*"})


@dataclass(frozen=True)
class Planner:
    """`skill` is the correlation of the planner's hunch with what demand did; 0 is guessing.

    A hunch beyond `overrules_at` standard deviations changes the quantity, beyond 1.6 times that downwards
    rejects. `bias` shifts every hunch (below zero: buys too little). `lets_lapse` is the share never decided.
    """

    user: str
    role: str
    region: str | None
    skill: float
    overrules_at: float
    bias: float
    median_hours: float
    lets_lapse: float

    def principal(self) -> Principal:
        """The person that the approvals see."""
        return Principal(
            user=self.user,
            role=self.role,
            regions=frozenset({self.region}) if self.region else EVERYTHING,
            stores=EVERYTHING,
            departments=EVERYTHING,
            banners=EVERYTHING,
            purposes=frozenset({"operations"}),
            approval_limit=25_000.0,
        )


PLANNERS = (
    Planner("simulated_planner_east", "planner", "East", 0.75, 1.0, 0.0, 4.0, 0.02),
    Planner("simulated_planner_west", "planner", "West", 0.0, 0.9, -0.35, 20.0, 0.06),
    Planner("simulated_planner_north", "planner", "North", 0.35, 1.6, 0.0, 9.0, 0.03),
    Planner("simulated_planner_south", "planner", "South", -0.1, 0.8, 0.4, 30.0, 0.10),
    Planner("simulated_category_manager", "category_manager", None, 0.45, 1.4, 0.0, 36.0, 0.08),
)


@dataclass(frozen=True)
class Verdict:
    """What a planner makes of a proposal, and after how many hours. `kind` None: never decided."""

    kind: str | None
    units: float | None
    reason: str | None
    hours: float


def decide_on(
    planner: Planner,
    *,
    units: float,
    pack: float,
    spread: float,
    surprise: float,
    random: np.random.Generator,
) -> Verdict:
    """One verdict: follow the hunch if it is strong enough, else accept."""
    noise, hours = random.normal(), float(planner.median_hours * np.exp(0.7 * random.normal()))
    lapses, pick = random.random() < planner.lets_lapse, random.random()
    hunch = planner.skill * surprise + np.sqrt(1 - planner.skill**2) * noise + planner.bias
    if lapses or hours > 150:
        return Verdict(None, None, None, hours)
    if hunch < -1.6 * planner.overrules_at:
        return Verdict("reject", None, "stock-wrong" if pick < 0.3 else "forecast-too-high", hours)
    if abs(hunch) <= planner.overrules_at:
        return Verdict("approve", None, None, hours)
    moved = np.round(hunch * spread / pack) * pack or np.sign(hunch) * pack
    wanted = float(max(units + moved, 0.0))
    if wanted == 0.0:
        return Verdict("reject", None, "space" if pick < 0.3 else "forecast-too-high", hours)
    up = "local-event" if pick < 0.5 else "promotion-changed" if pick < 0.7 else "forecast-too-low"
    return Verdict(
        "override", wanted, up if hunch > 0 else "budget" if pick < 0.3 else "forecast-too-high", hours
    )
