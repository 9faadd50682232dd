"""What of a recommendation a reader may see: money that shows cost or margin is for those entitled to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from governance.approvals import Recommendation
from governance.identity import Principal
from governance.policy.authorize import sees_margin


def visible_part(row: Recommendation, reader: Principal | None) -> Recommendation:
    """The recommendation; what shows cost or margin is None for a reader who may not see it."""
    return row if _is_entitled(reader) else _without_margin(row)


def visible_fields(row: Recommendation, reader: Principal | None) -> dict[str, object]:
    """`visible_part`, field by field."""
    return visible_part(row, reader).as_dict()


def visible_rows(rows: Iterable[Recommendation], reader: Principal | None) -> list[dict[str, object]]:
    """As `visible_fields`, of a page: what the reader is entitled to is asked once."""
    entitled = _is_entitled(reader)
    return [(row if entitled else _without_margin(row)).as_dict() for row in rows]


def _is_entitled(reader: Principal | None) -> bool:
    return reader is None or sees_margin(reader)


def _without_margin(row: Recommendation) -> Recommendation:
    return replace(
        row,
        expected_margin_usd=None,
        expected_cash_usd=None,
        at_stake_usd=None,
        drivers=None,
        details=None,
    )
