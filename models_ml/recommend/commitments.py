"""What was proposed and decided before, and what the next run owes to it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date

import pandas as pd

from governance.approvals import CARRIED_OUT, DUE, unit_sign
from governance.json_types import JsonObject
from models_ml.recommend.parameters import ReorderParameters


def open_commitments(
    earlier: Iterable[JsonObject], as_of: date, parameters: ReorderParameters
) -> pd.DataFrame:
    """Units agreed on that the stock of `as_of` does not show yet.

    One row per location and product: `pledged_units` on their way there, `outgoing_units` about to leave.
    Counted: what is agreed and not carried out, for `pledge_days`; and what was carried out on the word of
    the same day's stock, which cannot hold it yet.
    """
    rows = []
    for past in earlier:
        sign = unit_sign(past["action"])
        day = stock_day(past)
        if sign == 0 or day is None:
            continue
        waits = past["state"] in DUE and (as_of - day).days <= parameters.pledge_days
        unseen = past["state"] in CARRIED_OUT and day >= as_of
        units = past["decided_quantity_units"]
        if not (waits or unseen) or not units:
            continue
        rows.append((past["location_id"], past["product_id"], sign * units, 0.0))
        if past["from_location_id"] is not None:
            rows.append((past["from_location_id"], past["product_id"], 0.0, sign * units))
    units = pd.DataFrame(rows, columns=["location_id", "product_id", "pledged_units", "outgoing_units"])
    return units.groupby(["location_id", "product_id"], as_index=False).sum()


def with_commitments(positions: pd.DataFrame, pledged: pd.DataFrame) -> pd.DataFrame:
    """Positions with both columns, zero where nothing is agreed."""
    joined = positions.merge(pledged, on=["location_id", "product_id"], how="left")
    columns = {name: joined[name].astype(float).fillna(0.0) for name in ("pledged_units", "outgoing_units")}
    return joined.assign(**columns)


def stock_day(past: JsonObject) -> date | None:
    """The day whose stock a past proposal was made from."""
    as_of = drivers_in(past).get("as_of")
    return date.fromisoformat(as_of[:10]) if isinstance(as_of, str) else None


def drivers_in(past: JsonObject) -> JsonObject:
    """The drivers of a past proposal; the first version kept them as JSON text."""
    drivers = past.get("drivers") or {}
    return json.loads(drivers) if isinstance(drivers, str) else drivers


def key_of(row: JsonObject) -> tuple[str, str]:
    """What a proposal is about: two proposals of one key are the same question."""
    subject = row["subject_id"] or f"{row['product_id']}@{row['location_id']}"
    return str(row["action"]), str(subject)
