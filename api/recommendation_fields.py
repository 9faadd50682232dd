"""What of a recommendation a reader may see: money that tells cost or margin is for those entitled to it."""

from __future__ import annotations

from typing import Any

from governance.identity import Principal
from governance.restrict import sees_margin
from governance.store import Recommendation

TELLS_MARGIN = ("expected_margin_usd", "expected_cash_usd", "at_stake_usd", "drivers", "details")


def visible_fields(row: Recommendation, reader: Principal | None) -> dict[str, Any]:
    """Field by field; what tells cost or margin is NULL for a reader who may not see it."""
    fields = row.as_dict()
    if reader is not None and not sees_margin(reader):
        fields |= dict.fromkeys(TELLS_MARGIN)
    return fields
