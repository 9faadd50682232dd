"""Do not ask twice: what is open or decided comes again only when something changed, and says what.

Small changes of an open quantity are held back: a planner who sees 12, then 13, then 12 stops reading.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import pandas as pd

from governance.approvals import ACTIONS, AGREED, OPEN, State
from governance.json_types import JsonObject
from models_ml.recommend.commitments import drivers_in, key_of, stock_day
from models_ml.recommend.parameters import ReorderParameters
from models_ml.recommend.proposal import records

_MORE_DEMAND = 0.15  # a rise of expected demand that is news


@dataclass(frozen=True)
class Deduplicated:
    """What is proposed, and what was held back.

    `unchanged`: the same question is open or was answered. `small`: open with nearly this quantity.
    `changed`: asked again because of what changed. `withdrawn`: ids of open proposals that no one needs now.
    """

    rows: pd.DataFrame
    unchanged: int
    small: int
    changed: int
    withdrawn: tuple[str, ...]

    @property
    def nervousness(self) -> float:
        """Of the open questions that came up again, the share whose quantity was changed."""
        asked = self.changed + self.small + self.unchanged
        return self.changed / asked if asked else 0.0


def deduplicate(
    rows: pd.DataFrame, earlier: Iterable[JsonObject], as_of: date, parameters: ReorderParameters,
    *, now: datetime | None = None, proposed_by: str | None = None,
) -> Deduplicated:  # fmt: skip
    """Compare with the last proposal on the same question.

    Open proposals of `proposed_by` (of anybody: None withdraws nothing) that are not wanted any more are
    withdrawn.
    """
    last: dict[tuple[str, str], JsonObject] = {}
    for past in sorted(earlier, key=lambda past: past["created_at"]):
        last[key_of(past)] = past
    rows_left, unchanged, small, changed = [], 0, 0, 0
    asked = set()
    for row in records(rows):
        asked.add(key_of(row))
        before = last.get(key_of(row))
        if before is None or not _counts(before, as_of, parameters, now):
            rows_left.append(row)
            continue
        news = _news(row, before, parameters)
        if news is None:
            small += 1
        elif not news:
            unchanged += 1
        else:
            changed += 1
            row["details"] = {**row["details"], "changed": news, "replaces": before["recommendation_id"]}
            rows_left.append(row)
    gone = tuple(
        past["recommendation_id"] for key, past in sorted(last.items())
        if key not in asked and past["state"] in OPEN and proposed_by is not None
        and past["proposed_by"] == proposed_by and (stock_day(past) or as_of) <= as_of
    )  # fmt: skip
    return Deduplicated(pd.DataFrame(rows_left, columns=rows.columns), unchanged, small, changed, gone)


def _counts(past: JsonObject, as_of: date, parameters: ReorderParameters, now: datetime | None) -> bool:
    """Whether the last proposal still stands for an answer: open, or decided not long ago."""
    if past["state"] in OPEN:
        return past["expires_at"] is None or now is None or past["expires_at"] > now
    day = stock_day(past)
    days = (as_of - day).days if day else parameters.quiet_days + 1
    if past["state"] in AGREED and not _moves_stock(past["action"]):
        return days <= parameters.pledge_days
    return past["state"] in AGREED | {State.REJECTED} and days <= parameters.quiet_days


def _moves_stock(action: str) -> bool:
    registered = ACTIONS.get(action)
    return registered is not None and registered.moves_stock


def _news(row: JsonObject, past: JsonObject, parameters: ReorderParameters) -> list[str] | None:
    """What changed since, in words; empty where nothing did; None where the change is small."""
    old, new = drivers_in(past), row["drivers"]
    pack = float(new.get("case_pack_units", 1))
    is_open = past["state"] in OPEN
    before = past["quantity_units"]
    sentences = []
    if is_open:
        change = abs(row["quantity_units"] - before)
        if change == 0:
            return []
        if change <= max(parameters.least_change_packs * pack, parameters.least_change_share * before):
            return None
        sentences.append(f"quantity from {before:.0f} to {row['quantity_units']:.0f}")
    agreed = (past["decided_quantity_units"] or 0.0) if past["state"] in AGREED else 0.0
    for name, label in (("position_units", "stock with what is on its way"),):
        if name in old and name in new:
            due, has = old[name] + agreed, new[name]
            if has <= due - max(pack, 1):
                sentences.append(f"{label} from {due:.0f} to {has:.0f}")
    if old.get("demand_mean_units") and new.get("demand_mean_units"):
        was, is_ = old["demand_mean_units"], new["demand_mean_units"]
        if is_ > was * (1 + _MORE_DEMAND):
            sentences.append(f"demand expected from {was:.1f} to {is_:.1f}")
    return sentences
