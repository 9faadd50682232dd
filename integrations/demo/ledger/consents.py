"""Consent by purpose: what each household allows, some withdrawn within the year."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

from integrations.demo.ledger.attributes import DAYS
from integrations.demo.ledger.columns import columns
from integrations.demo.ledger.parameters import Parameters

PURPOSES = ("analytics", "personalisation", "marketing")


def build_consents(con: duckdb.DuckDBPyConnection, parameters: Parameters) -> None:
    """Create `demo_consents`: one row per household, purpose and validity range."""
    section, rng = parameters.section("consents"), parameters.stream("consents")
    households = columns(con, "SELECT DISTINCT household_id FROM transactions ORDER BY 1")["household_id"]
    customer = np.repeat(households, len(PURPOSES)).astype(str)
    purpose = np.tile(np.array(PURPOSES), len(households))
    n = len(customer)
    granted = rng.random(n) < np.array([section[p] for p in purpose])
    withdrawn = granted & (rng.random(n) < section["withdrawn_share"])
    last = np.where(withdrawn, rng.integers(30, DAYS - 10, n), -1)
    again = np.flatnonzero(withdrawn)
    con.register("_consents", pa.table({
        "customer_id": np.r_[customer, customer[again]].tolist(),
        "purpose": np.r_[purpose, purpose[again]].tolist(),
        "is_granted": np.r_[granted, np.zeros(len(again), bool)],
        "from_day": np.r_[np.zeros(n, int), last[again] + 1],
        "to_day": np.r_[last, np.full(len(again), -1)],
    }))  # fmt: skip
    con.execute("CREATE OR REPLACE TABLE demo_consents AS SELECT * FROM _consents")
    con.unregister("_consents")


CONSENTS = {
    "consents": """
        SELECT customer_id, purpose, is_granted, day_of(from_day) AS valid_from,
               CASE WHEN to_day >= 0 THEN day_of(to_day) END AS valid_to, true AS is_simulated
        FROM demo_consents ORDER BY CAST(customer_id AS BIGINT), purpose, from_day""",
}
