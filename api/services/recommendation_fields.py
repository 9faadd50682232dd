"""What of a recommendation a reader may see: money that shows cost or margin is for those entitled to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from governance.approvals import Recommendation
from governance.identity import Principal
from governance.policy.authorize import sees_margin

TELLS_MARGIN = ("expected_margin_usd", "expected_cash_usd", "at_stake_usd", "drivers", "details")


def visible_fields(row: Recommendation, reader: Principal | None) -> dict[str, Any]:
    """Field by field; what shows cost or margin is NULL for a reader who may not see it."""
    return visible_rows([row], reader)[0]


def visible_rows(rows: Iterable[Recommendation], reader: Principal | None) -> list[dict[str, Any]]:
    """As `visible_fields`, of a page: what the reader is entitled to is asked once."""
    hidden = {} if reader is None or sees_margin(reader) else dict.fromkeys(TELLS_MARGIN)
    return [row.as_dict() | hidden for row in rows]
