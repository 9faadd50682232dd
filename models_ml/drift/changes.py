"""How far each week lies from the weeks before it: one number per week, feature and segment.

A value is signed where a direction is meant (a price, a volume) and a distance where not (a mix). Zero is no
change. Which values count as drift is learned in `alerts`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models_ml.drift.observe import LEAST_REFERENCE, REFERENCE_WEEKS, Observed

SEGMENTS = ("department", "region", "channel")
GONE = -5.0  # log ratio of a volume that is no more
COLUMNS = ["week", "kind", "feature", "segment_type", "segment", "value", "words"]


@dataclass(frozen=True)
class Watch:
    """What is watched: the least change worth an alert, how many deviations of quiet weeks, and whether
    only a fall counts. A change of `far` thresholds alerts in its first week; a smaller one must last."""

    floor: float
    deviations: float
    far: float = 1.4
    only_falls: bool = False


LASTING = float("inf")  # never at once
# By kind and feature, or kind, feature and segment type where that needs its own.
WATCHES: dict[tuple[str, ...], Watch] = {
    ("price_shift", "shelf_price"): Watch(0.03, 6.0),
    ("discount_shift", "discount_rate"): Watch(0.05, 6.0, far=LASTING),
    ("lost_feed", "sales_lines"): Watch(0.5, 6.0, only_falls=True),
    # Small stores of a panel have quiet weeks: only the loss of most of a store's sales tells of its feed.
    ("lost_feed", "sales_lines", "location"): Watch(0.9, 6.0, only_falls=True),
    ("lost_feed", "days_with_sales"): Watch(0.09, 3.0, only_falls=True),
    ("lost_feed", "promotions"): Watch(0.9, 5.0, only_falls=True),
    ("lost_feed", "discounts_usd"): Watch(1.2, 6.0, only_falls=True),
    ("lost_feed", "net_sales_usd"): Watch(0.03, 6.0, only_falls=True),
    ("volume_shift", "sales_lines"): Watch(0.25, 5.0, far=LASTING),
    ("mix_shift", "category_share"): Watch(0.04, 5.0),
    ("mix_shift", "department_share"): Watch(0.02, 5.0),
    # Within one department a season alone moves shares: stone fruit in July, frozen pies in November.
    ("mix_shift", "category_share", "department"): Watch(0.12, 6.0, far=2.0),
    ("new_code",): Watch(0.01, 0.0, far=1.0),
    ("lost_code",): Watch(0.002, 0.0, far=1.0),
    ("renamed_code",): Watch(0.0005, 0.0, far=1.0),
    ("distribution_shift",): Watch(0.2, 6.0, far=2.0),
    ("prediction_shift",): Watch(0.2, 6.0, far=2.0),
    ("error_shift",): Watch(0.12, 5.0),
}


def watch_of(kind: str, feature: str, segment_type: str) -> Watch:
    """The most specific entry of `WATCHES`. Raises KeyError for a kind that nobody watches."""
    keys: tuple[tuple[str, ...], ...] = ((kind, feature, segment_type), (kind, feature), (kind,))
    return WATCHES[next((key for key in keys if key in WATCHES), keys[-1])]


def changes(observed: Observed) -> pd.DataFrame:
    """All values, one row per week from the ninth on, kind, feature and segment."""
    parts = [
        _prices(observed), _discounts(observed), _volumes(observed), _days(observed), _plans(observed),
        _money(observed), _mix(observed),
    ]  # fmt: skip
    found = pd.concat(parts, ignore_index=True)
    first = int(observed.weeks["week"].min()) + LEAST_REFERENCE
    return found[found["week"] >= first].reset_index(drop=True)[COLUMNS]


def by_week(frame: pd.DataFrame, keys: str | None, column: str, weeks: pd.Series) -> pd.DataFrame:
    """Sums of `column`: one row per week, one column per member of `keys` (all rows where None)."""
    if keys is None:
        return frame.groupby("week")[[column]].sum().reindex(weeks, fill_value=0).set_axis(["all"], axis=1)
    wide = frame.pivot_table(index="week", columns=keys, values=column, aggfunc="sum", fill_value=0)
    return wide.reindex(weeks, fill_value=0)


def before(values: pd.DataFrame) -> pd.DataFrame:
    """Mean of the reference weeks before each week; NaN where there are fewer than eight."""
    return values.shift(1).rolling(REFERENCE_WEEKS, min_periods=LEAST_REFERENCE).mean()


def _long(wide: pd.DataFrame, kind: str, feature: str, segment_type: str, words: str = "") -> pd.DataFrame:
    found = wide.rename_axis(index="week", columns="segment").stack().rename("value").reset_index()
    return found.assign(kind=kind, feature=feature, segment_type=segment_type, words=words)


def _segments(names: tuple[str, ...]) -> list[tuple[str, str | None]]:
    return [("all", None), *((name, name) for name in names)]


def _prices(observed: Observed) -> pd.DataFrame:
    parts, weeks = [], observed.weeks["week"]
    for kind, keys in _segments(SEGMENTS):
        lines = by_week(observed.prices, keys, "lines", weeks)
        change = by_week(observed.prices, keys, "change", weeks)
        parts.append(_long((change / lines).where(lines >= 300), "price_shift", "shelf_price", kind))
    return pd.concat(parts)


def _discounts(observed: Observed) -> pd.DataFrame:
    parts, weeks = [], observed.weeks["week"]
    for kind, keys in _segments(SEGMENTS):
        given = by_week(observed.cells, keys, "discounts_usd", weeks)
        gross = given + by_week(observed.cells, keys, "net_sales_usd", weeks)
        enough = before(by_week(observed.cells, keys, "lines", weeks)) >= 300
        rate = given / gross.where(gross > 0)
        usual = before(given) / before(gross)
        parts.append(_long((rate - usual).where(enough), "discount_shift", "discount_rate", kind))
        fallen = _log_ratio(rate, usual.where(enough & (usual > 0.03)))
        parts.append(_long(fallen, "lost_feed", "discounts_usd", kind))
    return pd.concat(parts)


def _volumes(observed: Observed) -> pd.DataFrame:
    weeks = observed.weeks["week"]
    open_days = observed.weeks.set_index("week")["trading_days"].clip(lower=1)
    parts = []
    for kind, keys in _segments((*SEGMENTS, "location_id")):
        lines = by_week(observed.cells, keys, "lines", weeks).div(open_days, axis=0)
        usual = before(lines)
        ratio = _log_ratio(lines, usual.where(usual >= (10 if keys == "location_id" else 20)))
        name = "location" if keys == "location_id" else kind
        parts.append(_long(ratio, "lost_feed", "sales_lines", name))
        if keys != "location_id":
            parts.append(_long(ratio, "volume_shift", "sales_lines", name))
    return pd.concat(parts)


def _days(observed: Observed) -> pd.DataFrame:
    """Share of the chain's trading days on which a region sold nothing, below zero."""
    weeks = observed.weeks["week"]
    sold = (
        observed.days.groupby(["week", "region"])["date_day"].nunique().unstack(fill_value=0).reindex(weeks)
    )
    total = observed.days.groupby("week")["date_day"].nunique().reindex(weeks)
    usual = before(sold) > 5
    return _long((sold.div(total, axis=0) - 1).where(usual), "lost_feed", "days_with_sales", "region")


def _plans(observed: Observed) -> pd.DataFrame:
    lines = by_week(observed.plans, "region", "lines", observed.weeks["week"])
    usual = before(lines)
    return _long(_log_ratio(lines, usual.where(usual >= 50)), "lost_feed", "promotions", "region")


def _money(observed: Observed) -> pd.DataFrame:
    parts, weeks = [], observed.weeks["week"]
    for kind, keys in _segments(("region", "channel")):
        lines = by_week(observed.cells, keys, "lines", weeks)
        lacking = by_week(observed.cells, keys, "lines_without_money", weeks)
        value = -(lacking / lines.where(lines >= 300) - before(lacking) / before(lines))
        parts.append(_long(value, "lost_feed", "net_sales_usd", kind))
    return pd.concat(parts)


def _mix(observed: Observed) -> pd.DataFrame:
    """Population stability index of the shares of lines, and the member that moved most, in words."""
    parts = []
    for kind, keys in _segments(SEGMENTS):
        groups = [("all", observed.cells)] if keys is None else list(observed.cells.groupby(keys, sort=True))
        for member, cells in groups:
            for code in ("category", "department"):
                if code == kind or (code == "department" and kind == "category"):
                    continue
                parts.append(_stability(cells, code, observed.weeks["week"], kind, str(member)))
    return pd.concat([part for part in parts if part is not None])


def _stability(
    cells: pd.DataFrame, code: str, weeks: pd.Series, segment_type: str, segment: str
) -> pd.DataFrame | None:
    lines = by_week(cells, code, "lines", weeks)
    usual = before(lines)
    total, expected = lines.sum(axis=1), usual.sum(axis=1, min_count=1)
    if not (expected >= 500).any() or lines.shape[1] < 2:
        return None
    # Half a line for every code keeps an empty cell finite; small codes then weigh next to nothing.
    now = (lines + 0.5).div(total + 0.5 * lines.shape[1], axis=0)
    then = (usual + 0.5).div(expected + 0.5 * lines.shape[1], axis=0)
    each = (now - then) * np.log(now / then)
    value = each.sum(axis=1, min_count=1).where((expected >= 500) & (total > 0))
    words = []
    for week in lines.index:
        row = each.loc[week]
        if row.isna().all():
            words.append("")
            continue
        most = row.idxmax()
        words.append(f"{most}: {then.at[week, most]:.1%} of lines before, {now.at[week, most]:.1%} now")
    return pd.DataFrame({
        "week": lines.index, "kind": "mix_shift", "feature": f"{code}_share", "segment_type": segment_type,
        "segment": segment, "value": value.to_numpy(), "words": words,
    }).dropna(subset=["value"])  # fmt: skip


def _log_ratio(now: pd.DataFrame, usual: pd.DataFrame) -> pd.DataFrame:
    ratio = now / usual
    return np.log(ratio.where(ratio > 0, np.exp(GONE))).where(usual.notna() & (usual > 0)).clip(lower=GONE)
