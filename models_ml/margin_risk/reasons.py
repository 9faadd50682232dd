"""Why a store × category is at risk: the drivers that move its chance most, in a merchant's words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from governance.json_types import JsonDict
from models_ml.margin_risk.features import Features
from models_ml.margin_risk.model import MarginRiskModel
from models_ml.margin_risk.settings import TARGET_WEEKS

SHOWN = 3
LEAST_EFFECT = 0.005  # half a percentage point of chance
Row = dict[str, float]


def reasons(model: MarginRiskModel, features: Features, plan_known: bool) -> list[list[JsonDict]]:
    """Per row the strongest drivers, each {driver, effect, words}, strongest first.

    `effect` is how many points (0–1) the chance of a miss would be lower without what this driver adds to
    the log-odds (TreeSHAP, calibrated): positive raises the risk. `plan_known` says whether the promotion
    calendar holds anything for the coming weeks.
    """
    added, kinds, base = model.contributions(features)
    log_odds = base + added.sum(1)
    effect = _chance(log_odds)[:, None] - _chance(log_odds[:, None] - added)
    strongest = np.argsort(-np.abs(effect), axis=1, kind="stable")[:, :SHOWN]
    out = []
    for i, order in enumerate(strongest):
        row = dict(zip(features.names, map(float, features.values[i]), strict=True))
        strongest_drivers = [
            (kinds[k], float(effect[i, k])) for k in order if abs(effect[i, k]) >= LEAST_EFFECT
        ]
        out.append([
            {"driver": driver, "effect": round(points, 4), "words": _sentence(driver, row, plan_known)}
            for driver, points in strongest_drivers
        ])  # fmt: skip
    return out


def _sentence(driver: str, row: Row, plan_known: bool) -> str:
    if driver == "planned_promotions" and not plan_known:
        return "no promotion calendar for the coming weeks yet; they count as usual"
    return _SAYS[driver](row)


def _points(share: float) -> str:
    return f"{abs(100 * share):.1f} points"


def _recent(row: Row) -> str:
    gap = row["gap_4"]
    side = "below" if gap < 0 else "above"
    weeks = f"{row['share_of_weeks_below']:.0%} of the quarter's weeks lay below"
    return f"margin rate of the last four weeks {_points(gap)} {side} the target; {weeks}"


def _discounts(row: Row) -> str:
    return (
        f"discounts took {row['depth_4']:.1%} of shelf value in the last four weeks, "
        f"{row[f'depth_{TARGET_WEEKS}']:.1%} over the quarter"
    )


def _height(row: Row) -> str:
    apart = row["above_category"]
    side = "above" if apart > 0 else "below"
    return f"the target of {row['target']:.1%} lies {_points(apart)} {side} the category's rate in the chain"


def _category(row: Row) -> str:
    gap = row["category_gap_4"]
    side = "less" if gap < 0 else "more"
    return f"the category earns {_points(gap)} {side} than this target in all stores, last four weeks"


def _store(row: Row) -> str:
    gap = row["location_gap_4"]
    side = "below" if gap < 0 else "above"
    return f"the store's margin rate is {_points(gap)} {side} its quarter in the last four weeks"


def _plan(row: Row) -> str:
    apart = row["added_depth_against_usual"]
    side = "more" if apart > 0 else "less"
    planned = row["mailer_sales_share_planned"] + row["display_sales_share_planned"]
    depth = f"take {_points(apart)} {side} off than usual"
    return f"planned promotions cover {planned:.0%} of the category and {depth}"


def _size(row: Row) -> str:
    return (
        f"sells USD {np.expm1(row['log_sales']) / TARGET_WEEKS:,.0f} a week: the smaller, the more it swings"
    )


def _season(row: Row) -> str:
    weeks = int(row["holidays_ahead"])
    return f"{weeks or 'no'} holiday week{'' if weeks == 1 else 's'} in the coming four"


_SAYS: dict[str, Callable[[Row], str]] = {
    "recent_margin": _recent,
    "recent_discounts": _discounts,
    "target_height": _height,
    "category_trend": _category,
    "store_trend": _store,
    "planned_promotions": _plan,
    "size": _size,
    "season": _season,
}


def _chance(log_odds: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-log_odds)))
