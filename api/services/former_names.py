"""Fields of amounts under the names that had a currency in them: given beside the present ones until 0.3."""

from __future__ import annotations

from collections.abc import Mapping

RECORD = {
    "expected_margin": "expected_margin_usd",
    "expected_cash": "expected_cash_usd",
    "at_stake": "at_stake_usd",
}
IMPACT_WEEK = {
    "inventory": "inventory_usd",
    "payables": "payables_usd",
    "working_capital": "working_capital_usd",
    "cash": "cash_usd",
    "working_capital_by_action": "working_capital_by_action_usd",
}
FINDING = {"margin": "margin_usd"}


def with_former_names(fields: Mapping[str, object], former: Mapping[str, str]) -> dict[str, object]:
    """The fields, and after them those that were renamed once more under their former names."""
    return {**fields, **{old: fields[new] for new, old in former.items() if new in fields}}
