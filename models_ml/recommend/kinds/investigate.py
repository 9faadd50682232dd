"""Look into it: anomalies as proposals to a person, ranked by money."""

from __future__ import annotations

import numpy as np
import pandas as pd

from governance.json_types import JsonDict
from models_ml.recommend.inputs.anomalies import WINDOW_DAYS
from models_ml.recommend.kind import Situation
from models_ml.recommend.proposal import (
    Option,
    Run,
    details,
    frame,
    number,
    product_name,
    proposal_id,
    records,
)
from models_ml.table_row import TableRow

LOOK_WITHIN_DAYS = 7
_WHAT = {
    "shrink": ("units missing from stock", "stock", "count the shelf before ordering on its record"),
    "returns": ("returned lines", "refunds", "look at who returns what, and why"),
    "late_supplier": (
        "late order lines",
        "missed sales of its goods",
        "ask the supplier, and plan with longer lead times",
    ),
}


def propose(anomalies: pd.DataFrame, positions: pd.DataFrame, run: Run) -> pd.DataFrame:
    """One proposal an anomaly, for the place and product where most of its money lies."""
    proposals = []
    places = positions.drop_duplicates("location_id").set_index("location_id")
    goods = positions.drop_duplicates("product_id").set_index("product_id")
    for row in records(anomalies):
        if row["location_id"] in places.index:
            product = goods.loc[row["product_id"]] if row["product_id"] in goods.index else None
            proposals.append(_proposal(row, places.loc[row["location_id"]], product, run))
    return frame(proposals)


def _proposal(row: JsonDict, place: TableRow, product: TableRow, run: Run) -> JsonDict:
    what, money, do = _WHAT[row["kind"]]
    options = [
        Option("investigate", 0.0, 0.0, None, 0.0, 0.0, do),
        Option("nothing", 0.0, 0.0, None, 0.0, 0.0, "let it run"),
    ]
    subject = f"supplier {row['supplier_id']}" if row["supplier_id"] else f"store {row['subject']}"
    return {
        "recommendation_id": proposal_id("investigate", row["kind"], row["subject"], run.as_of),
        "action": "investigate",
        "product_id": row["product_id"],
        "product_name": "" if product is None else product_name(product),
        "location_id": row["location_id"],
        "from_location_id": None,
        "subject_id": f"{row['kind']}:{row['subject']}",
        "region": place["region"],
        "banner": place["banner"],
        "department": None if product is None else product["department"],
        "category": None if product is None else product["category"],
        "supplier_id": row["supplier_id"] or None,
        "quantity_units": 0.0,
        "order_by": run.day(LOOK_WITHIN_DAYS),
        "need_by": run.day(LOOK_WITHIN_DAYS),
        "expected_units": 0.0,
        "expected_margin": None,
        "expected_cash": 0.0,
        "at_stake": number(row["money_beyond"]),
        "expected_service": None,
        "confidence": number(1 - 0.5 * np.exp(-(row["score"] - 3) / 3)),
        "reason": f"Look into {subject}: {row['events']:.0f} {what} in {WINDOW_DAYS} days where "
        f"{row['usual']:.1f} are usual for what it handles; ${row['money_beyond']:.2f} of {money} beyond the "
        f"usual. "
        f"{do[0].upper()}{do[1:]}.",
        "drivers": {
            "kind": row["kind"], "events": number(row["events"]), "usual": number(row["usual"]),
            "exposure": number(row["exposure"]), "score": number(row["score"]),
            "money": number(row["money"]), "window_days": WINDOW_DAYS, "as_of": run.as_of.isoformat(),
        },
        "details": details(
            run, options[0], options[1:],
            sentences=[f"{row['score']:.1f} robust standard deviations above its peers",
                   f"${row['money_beyond']:.2f} is what these four weeks cost beyond the usual: in question, "
                   "not a gain that looking promises"],
        ),
        "model_name": "anomaly-watch",
        "model_version": "1",
        "release_id": run.release_id,
        "expires_at": run.expires_at,
        "is_simulated": bool(place["is_simulated"]),
    }  # fmt: skip


class Investigate:
    """Anomalies, for a person to look into; `suspect` made what depends on them less sure beforehand."""

    action = "investigate"
    needs = ("inventory_snapshots", "inventory_movements or returns or purchase_order_lines")
    assumes = ()

    def plan(self, situation: Situation) -> Situation:
        return situation

    def propose(self, situation: Situation) -> pd.DataFrame:
        return propose(situation.anomalies, situation.positions, situation.run)


KIND = Investigate()
