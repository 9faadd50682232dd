"""What of a recommendation a reader sees. Masked at the source, before anything is derived from it.

Money that tells cost or margin is for readers whom policy lets `see_margin`. For all others a recommendation
has none of it, nor what was computed from it when it was proposed: the sentence, the drivers, who decides
and why. Order, ranks, sums and words for a reader are made from what this module gives back.
"""

from __future__ import annotations

from dataclasses import replace

from governance.approvals.actions import UNDO, action_of
from governance.approvals.recommendation import Recommendation
from governance.identity.principal import Principal
from governance.policy.authorize import sees_margin
from governance.policy.engine import Policy

MASKED = (
    *("expected_margin", "expected_cash", "at_stake", "drivers", "details", "reason"),
    *("policy_route", "policy_reasons"),
)
"""Fields that hold money or were computed from it."""

_NEUTRAL_DETAILS = ("as_of", "data_age_days", "from_region")
"""Details without money: the day of the data, how old they are, where a transfer comes from."""


def sees_money(reader: Principal | None, policy: Policy | None = None) -> bool:
    """Whether the reader sees what tells cost or margin; None is the local operator, who sees everything."""
    return reader is None or sees_margin(reader, policy)


def visible_part(
    record: Recommendation, reader: Principal | None, policy: Policy | None = None
) -> Recommendation:
    """The recommendation as the reader sees it."""
    return record if sees_money(reader, policy) else without_money(record)


def without_money(record: Recommendation) -> Recommendation:
    """The recommendation without MASKED; its sentence is made anew from what is left."""
    details = record.details if isinstance(record.details, dict) else {}
    neutral = {name: details[name] for name in _NEUTRAL_DETAILS if name in details}
    return replace(
        record,
        expected_margin=None,
        expected_cash=None,
        at_stake=None,
        drivers=None,
        details=neutral or None,
        reason=_sentence(record),
        policy_route=None,
        policy_reasons=None,
    )


def _sentence(record: Recommendation) -> str:
    """What is proposed and what it is expected to do to units and service."""
    action = action_of(record.action)
    label = action.label if action else record.action.replace("_", " ").capitalize()
    if action and record.action.startswith(UNDO):
        label = f"Undo {label.lower()}"
    parts = [label if action and action.unit is None else f"{label} {record.quantity_units:,.4g}"]
    if record.expected_units:
        parts.append(f"{record.expected_units:,.1f} more units expected to be sold")
    if record.expected_service is not None:
        parts.append(f"service expected with it {record.expected_service:.0%}")
    return "; ".join(parts) + "."
