"""Which decisions can be measured: settled reorders and transfers, and the day of their data."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pandas as pd
from sqlalchemy import select, type_coerce

from governance.approvals import ACTIONS, SETTLED
from governance.store import OpsStore
from governance.store.first_names import PresentJson
from governance.store.schema import recommendations

COLUMNS = (
    *("recommendation_id", "product_id", "location_id", "as_of", "proposed_units", "decided_units"),
    *("from_location_id", "action_cost", "is_simulated"),
)


def settled_decisions(*stores: OpsStore | None) -> pd.DataFrame:
    """One row per settled recommendation, as `models_ml.outcomes.measure` takes it; rejected: 0 units.

    What does not say from which day's data it was made cannot be replayed and is left out.
    """
    rows = [row for store in stores if store is not None for row in _rows(store)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(store: OpsStore) -> Iterator[dict[str, object]]:
    table = recommendations
    details = type_coerce(table.c.details, PresentJson).label("present_details")
    query = select(table, details).where(
        table.c.state.in_(sorted(SETTLED)),
        table.c.action.in_([action.name for action in ACTIONS.values() if action.moves_stock]),
    )
    with store.read() as conn:
        for row in conn.execute(query).mappings():
            day = _as_of(row["details"]) or _as_of(row["drivers"])
            if day is not None:
                yield {
                    "recommendation_id": row["recommendation_id"],
                    "product_id": row["product_id"],
                    "location_id": row["location_id"],
                    "as_of": day,
                    "proposed_units": row["quantity_units"],
                    "decided_units": row["decided_quantity_units"] or 0.0,
                    "from_location_id": row["from_location_id"],
                    "action_cost": (row["present_details"] or {}).get("transfer_cost"),
                    "is_simulated": row["is_simulated"],
                }


def _as_of(column: object) -> pd.Timestamp | None:
    content = json.loads(column) if isinstance(column, str) else column
    day = content.get("as_of") if isinstance(content, dict) else None
    return None if day is None else pd.Timestamp(day)
