"""Suppliers of the demo: who delivers which product, how fast, on which terms."""

from __future__ import annotations

from typing import Any

import numpy as np

from integrations.demo.ledger.orders import NEVER
from integrations.demo.ledger.parameters import Parameters

FIRST = ("Northfield", "Harbour", "Greenmount", "Stonebridge", "Larkspur", "Millbrook", "Redwood", "Ashford",
         "Cedar Hill", "Brightwater", "Fairlane", "Oakhurst")  # fmt: skip
LAST = ("Foods", "Trading", "Brands", "Provisions")


def assign_suppliers(
    parameters: Parameters, facts: dict[str, list[Any]], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Supplier index per product, imported flag per supplier, and the supplier columns.

    The largest manufacturers deliver themselves; wholesalers deliver the rest, by department, fresh apart.
    """
    section = parameters.section("suppliers")
    makers, wholesalers = section["from_manufacturers"], section["wholesalers"]
    maker = np.array(facts["manufacturer_id"])
    value = np.array(facts["value"], dtype=float) * np.array(facts["is_merchandise"])
    fresh = np.asarray(facts["shelf_life_days"]) < section["fresh_below_days"]
    ids, inverse = np.unique(maker, return_inverse=True)
    totals = np.bincount(inverse, weights=value * ~fresh)
    rank = np.empty(len(ids), dtype=int)
    rank[np.argsort(-totals, kind="stable")] = np.arange(len(ids))
    fresh_wholesalers = wholesalers // 2
    _, department = np.unique(np.array(facts["department"]), return_inverse=True)
    wholesale = np.where(
        fresh,
        makers + (inverse + department) % fresh_wholesalers,
        makers + fresh_wholesalers + (inverse + department) % (wholesalers - fresh_wholesalers),
    )
    supplier = np.where((rank[inverse] < makers) & ~fresh, rank[inverse], wholesale)

    n = makers + wholesalers
    is_fresh = np.zeros(n, dtype=bool)
    is_fresh[makers : makers + fresh_wholesalers] = True
    to_dc = (np.arange(n) % section["ships_to_dc_every"] == 0) & ~is_fresh
    kind = np.where(is_fresh, "fresh", np.where(to_dc, "dc", "direct"))
    bounds = np.array([section["lead_time_days"][k] for k in kind])
    mean = np.round(bounds[:, 0] + (bounds[:, 1] - bounds[:, 0]) * rng.random(n), 1)
    cv = rng.uniform(*parameters.interval("suppliers", "lead_time_cv"), n)
    payment_terms = rng.choice(
        [int(k) for k in section["terms_days"]], n, p=list(section["terms_days"].values())
    )
    payment_terms = np.where(is_fresh, 14, payment_terms)
    renewed = section["new_terms"]
    changes = parameters.stream("new terms").permutation(np.flatnonzero(~is_fresh))[: renewed["count"]]
    change_day = np.full(n, NEVER, dtype=np.int32)
    change_day[changes] = renewed["on_day"]
    later = np.array([renewed["next"][int(t)] for t in payment_terms])
    imported = rng.random(n) < parameters.values["imported_supplier_share"]
    names = [f"{FIRST[i % len(FIRST)]} {LAST[i // len(FIRST) % len(LAST)]}" for i in range(n)]
    columns = {
        "supplier_index": np.arange(n, dtype=np.int32),
        "supplier_id": [f"S{i + 1:03d}" for i in range(n)],
        "supplier_name": names,
        "kind": kind.tolist(),
        "payment_terms_days": payment_terms.astype(np.int32),
        "later_terms_days": np.where(change_day < NEVER, later, payment_terms).astype(np.int32),
        "terms_change_day": change_day,
        "lead_time_mean_days": mean,
        "lead_time_sd_days": np.round(mean * cv, 2),
        "review_period_days": np.array([section["review_period_days"][k] for k in kind], dtype=np.int32),
        "line_miss_rate": rng.uniform(*parameters.interval("suppliers", "line_miss_rate"), n),
    }
    return supplier, imported & ~is_fresh, columns
