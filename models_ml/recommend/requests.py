"""One request for each supplier and location: a buyer sends orders, not lines."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import pandas as pd

from governance.json_types import JsonDict
from models_ml.recommend.proposal import Run, number, proposal_id

_PARTIES = {"reorder": "supplier_id", "transfer": "from_location_id"}


def group_requests(rows: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Rows with `details.request`: id, who delivers, how many lines, units and USD go together.

    Reorders are grouped by supplier and location, transfers by the two places. Other actions stay single.
    """
    if rows.empty:
        return rows
    party = pd.Series("", index=rows.index)
    for action, column in _PARTIES.items():
        chosen = rows["action"] == action
        party[chosen] = rows.loc[chosen, column].fillna("unknown")
    keys = rows.assign(_party=party, _cash=rows["expected_cash"].astype(float))
    keys = keys[keys["_party"] != ""]
    sums = keys.groupby(["action", "_party", "location_id"]).agg(
        lines=("action", "size"), units=("quantity_units", "sum"), cash=("_cash", "sum")
    )
    sums_by_request = sums.to_dict("index")
    details = [
        {**detail, "request": _request(sums_by_request[action, who, place], (action, who, place), run)}
        if who
        else detail
        for detail, action, who, place in zip(
            rows["details"], rows["action"], party, rows["location_id"], strict=True
        )
    ]
    return rows.assign(details=pd.Series(details, index=rows.index, dtype=object))


def _request(sums: Mapping[Hashable, float], key: tuple[str, str, str], run: Run) -> JsonDict:
    return {
        "request_id": proposal_id("request", *key, run.as_of),
        "from": key[1],
        "to": key[2],
        "lines": int(sums["lines"]),
        "units": number(sums["units"]),
        "cash": number(sums["cash"]),
    }
