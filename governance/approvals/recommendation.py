"""A recommendation as governance hands it out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, fields

from governance.json_types import JsonDict, JsonObject


@dataclass(frozen=True)
class Recommendation:
    """One proposed action on one product at one location.

    Money is in the reporting currency; `expected_*` are the model's estimates; `confidence` and
    `expected_service` are shares between 0 and 1. `policy_route` says who decides. `decided_quantity_units`
    is NULL until decided.

    `location_id` is where the units are wanted; `from_location_id` where a transfer takes them.
    `subject_id` names what the action is about if product and location do not: a purchase order line, a
    pair of places, a supplier; then `product_id` and `location_id` are where most of its money lies. A newer
    proposal on the same subject supersedes an open one. `details` holds what only this action has.
    """

    recommendation_id: str
    action: str
    product_id: str
    location_id: str
    quantity_units: float
    state: str
    proposed_by: str
    created_at: dt.datetime
    updated_at: dt.datetime
    is_simulated: bool
    product_name: str | None = None
    region: str | None = None
    banner: str | None = None
    department: str | None = None
    category: str | None = None
    supplier_id: str | None = None
    order_by: dt.date | None = None
    need_by: dt.date | None = None
    expected_units: float | None = None
    expected_margin: float | None = None
    expected_cash: float | None = None
    expected_service: float | None = None
    confidence: float | None = None
    reason: str | None = None
    drivers: JsonObject | str | None = None
    model_name: str | None = None
    model_version: str | None = None
    release_id: str | None = None
    policy_route: str | None = None
    policy_reasons: Sequence[str] | None = None
    authors: Sequence[str] | None = None
    expires_at: dt.datetime | None = None
    escalate_at: dt.datetime | None = None
    decided_quantity_units: float | None = None
    superseded_by: str | None = None
    compensates: str | None = None
    from_location_id: str | None = None
    subject_id: str | None = None
    details: JsonObject | None = None
    at_stake: float | None = None

    @classmethod
    def from_row(cls, row: JsonObject) -> Recommendation:
        """From a mapping with at least the fields that have no default; unknown keys are refused."""
        return cls(**dict(row))

    def as_dict(self) -> JsonDict:
        """Field by field, dates and times as Python objects. The record's own values, not copies of them."""
        return {name: getattr(self, name) for name in NAMES}


NAMES = tuple(field.name for field in fields(Recommendation))
FIELDS = frozenset(NAMES)
