"""How far each week lies from the weeks before it: one number per week, feature and segment.

A value is signed where a direction is meant (a price, a volume) and a distance where not (a mix). Zero is no
change. Which values count as drift is learned in `alerts`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models_ml.drift.observe import Observed
from models_ml.lifecycle.drift_policy import LEAST_REFERENCE, REFERENCE_WEEKS

SEGMENTS = ("department", "region", "channel")
LEAST_LINES = 500  # a week: of fewer lines the mix is chance
LARGE = 0.01  # of all lines
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
    ("lost_feed", "discounts"): Watch(1.2, 6.0, only_falls=True),
    ("lost_feed", "net_sales"): Watch(0.03, 6.0, only_falls=True),
    ("volume_shift", "sales_lines"): Watch(0.25, 5.0, far=LASTING),
    ("mix_shift", "category_share"): Watch(0.05, 6.0),
    ("mix_shift", "department_share"): Watch(0.02, 5.0, far=1.2),
    # Within one department a season alone moves shares: stone fruit in July, frozen pies in November.
    ("mix_shift", "category_share", "department"): Watch(0.12, 6.0, far=2.0),
    # One large category against all sales: a season moves it by a third, seldom by more than half.
    ("mix_shift", "category_share", "category"): Watch(0.5, 5.0, far=1.3),
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
    values = pd.concat(parts, ignore_index=True)
    first = int(observed.weeks["week"].min()) + LEAST_REFERENCE
    return values[values["week"] >= first].reset_index(drop=True)[COLUMNS]


def by_week(frame: pd.DataFrame, keys: str | None, column: str, weeks: pd.Series) -> pd.DataFrame:
    """Sums of `column`: one row per week, one column per member of `keys` (all rows where None)."""
    if keys is None:
        codes, members = np.zeros(len(frame), int), pd.Index(["all"])
    else:
        codes, members = frame[keys].cat.codes.to_numpy(), frame[keys].cat.categories
    # Every row lies in a recorded week.
    row = np.searchsorted(weeks.to_numpy(), frame["week"].to_numpy())
    shape = (len(weeks), len(members))
    sums = np.bincount(row * shape[1] + codes, frame[column].to_numpy(float), minlength=shape[0] * shape[1])
    return pd.DataFrame(sums.reshape(shape), pd.Index(weeks, name="week"), members.astype(str))


def before(values: pd.DataFrame) -> pd.DataFrame:
    """Mean of the reference weeks before each week; NaN where there are fewer than eight."""
    return values.shift(1).rolling(REFERENCE_WEEKS, min_periods=LEAST_REFERENCE).mean()


def _long(wide: pd.DataFrame, kind: str, feature: str, segment_type: str, sentence: str = "") -> pd.DataFrame:
    named = wide.rename_axis(index="week", columns="segment").reset_index()
    long = named.melt(id_vars="week", var_name="segment", value_name="value").dropna(subset=["value"])
    return long.assign(kind=kind, feature=feature, segment_type=segment_type, words=sentence)


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
        given = by_week(observed.cells, keys, "discounts", weeks)
        gross = given + by_week(observed.cells, keys, "net_sales", weeks)
        enough = before(by_week(observed.cells, keys, "lines", weeks)) >= 300
        rate = given / gross.where(gross > 0)
        usual = before(given) / before(gross)
        parts.append(_long((rate - usual).where(enough), "discount_shift", "discount_rate", kind))
        fallen = _log_ratio(rate, usual.where(enough & (usual > 0.03)))
        parts.append(_long(fallen, "lost_feed", "discounts", kind))
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
        observed.days.groupby(["week", "region"], observed=True)["date_day"]
        .nunique()
        .unstack(fill_value=0)
        .reindex(weeks)
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
        parts.append(_long(value, "lost_feed", "net_sales", kind))
    return pd.concat(parts)


def _mix(observed: Observed) -> pd.DataFrame:
    """Population stability index of the shares of lines, and the member that moved most, in words."""
    parts = []
    for kind, keys in _segments(SEGMENTS):
        for member, cells in _groups(observed.cells, keys):
            for code in ("category", "department"):
                if code == kind or (code == "department" and kind == "category"):
                    continue
                parts.append(_stability(cells, code, observed.weeks["week"], kind, member))
    parts.append(_large_categories(observed))
    return pd.concat([part for part in parts if part is not None])


def _large_categories(observed: Observed) -> pd.DataFrame:
    """Log ratio of a category's share of lines to its usual share, for categories of one line in a
    hundred or more."""
    lines = by_week(observed.cells, "category", "lines", observed.weeks["week"])
    usual = before(lines)
    share, before_share = lines.div(lines.sum(axis=1), axis=0), usual.div(usual.sum(axis=1), axis=0)
    large = (before_share >= LARGE) & (usual >= 100)
    values = _long(_log_ratio(share, before_share.where(large)), "mix_shift", "category_share", "category")
    shares = zip(values["week"], values["segment"], strict=True)
    return values.assign(
        words=[f"{c}: {before_share[c][w]:.1%} of lines before, {share[c][w]:.1%} now" for w, c in shares]
    )


def _groups(cells: pd.DataFrame, keys: str | None) -> list[tuple[str, pd.DataFrame]]:
    if keys is None:
        return [("all", cells)]
    return [(str(member), group) for member, group in cells.groupby(keys, sort=True, observed=True)]


def _stability(
    cells: pd.DataFrame, code: str, weeks: pd.Series, segment_type: str, segment: str
) -> pd.DataFrame | None:
    if cells["lines"].sum() < LEAST_LINES * LEAST_REFERENCE:
        return None
    lines = by_week(cells, code, "lines", weeks)
    lines = lines.loc[:, lines.sum() > 0]
    usual = before(lines)
    total, expected = lines.sum(axis=1), usual.sum(axis=1, min_count=1)
    if not (expected >= LEAST_LINES).any() or lines.shape[1] < 2:
        return None
    # Half a line for every code keeps an empty cell finite; small codes then weigh next to nothing.
    now = (lines + 0.5).div(total + 0.5 * lines.shape[1], axis=0)
    then = (usual + 0.5).div(expected + 0.5 * lines.shape[1], axis=0)
    each = (now - then) * _log_ratio(now, then)
    value = each.sum(axis=1, min_count=1).where((expected >= LEAST_LINES) & (total > 0))
    most = np.argmax(np.nan_to_num(each.to_numpy(float)), axis=1)
    row = np.arange(len(most))
    shares = zip(then.to_numpy(float)[row, most], now.to_numpy(float)[row, most], strict=True)
    sentences = [
        f"{lines.columns[i]!s}: {was:.1%} of lines before, {share:.1%} now"
        for i, (was, share) in zip(most, shares, strict=True)
    ]
    return pd.DataFrame({
        "week": lines.index, "kind": "mix_shift", "feature": f"{code}_share", "segment_type": segment_type,
        "segment": segment, "value": value.to_numpy(), "words": sentences,
    }).dropna(subset=["value"])  # fmt: skip


def _log_ratio(now: pd.DataFrame, usual: pd.DataFrame) -> pd.DataFrame:
    """Log of now ÷ usual; `GONE` where nothing is left, NaN where nothing was usual."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(now.to_numpy(float) / usual.to_numpy(float))
    is_usual = usual.to_numpy(float) > 0  # NaN is not
    return pd.DataFrame(np.where(is_usual, np.maximum(ratio, GONE), np.nan), now.index, now.columns)
