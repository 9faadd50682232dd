"""A retailer of many product-locations in memory, and one whole run of stock actions on it.

`python -m tests.bench.many_pairs N` prints seconds and peak memory of a process that does nothing else.
"""

from __future__ import annotations

import datetime as dt
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from models_ml.recommend import transfer_proposals
from models_ml.recommend.inputs.needs import compute_needs
from models_ml.recommend.kinds import reorder, transfer
from models_ml.recommend.parameters import ReorderParameters
from models_ml.recommend.proposal import Run
from tests.seeds import fixed_generator

STORES = 100


def positions(pairs: int, seed: int = 7) -> pd.DataFrame:
    """Products in a hundred stores of four regions, a tenth of them short of stock, a fifth with too much."""
    rng = fixed_generator(seed)
    n = np.arange(pairs)
    store, weekly = n % STORES, rng.gamma(1.0, 4.0, pairs)
    cover = rng.choice([0.3, 4.0, 9.0], pairs, p=[0.1, 0.7, 0.2])
    cost = rng.uniform(0.5, 6, pairs)
    return pd.DataFrame({
        "as_of_day": pd.Timestamp("2017-12-31"), "location_id": [f"L{s}" for s in store],
        "location_type": "store", "region": np.array(["East", "West", "North", "South"])[store % 4],
        "banner": "Market", "product_id": [f"P{p}" for p in n // STORES], "department": "GROCERY",
        "category": [f"C{p % 50}" for p in n // STORES], "product_type": "SOUP", "package_size": "1",
        "brand": "National", "supplier_id": [f"S{p % 40}" for p in n // STORES], "replenished_from": None,
        "on_hand_units": np.floor(weekly * cover), "reserved_units": 0.0, "in_transit_units": 0.0,
        "on_order_units": 0.0, "is_simulated": True, "case_pack_units": rng.choice([2.0, 4.0, 6.0], pairs),
        "minimum_order_units": 1.0, "shelf_life_days": rng.choice([14.0, 90.0, 365.0], pairs),
        "unit_cost": cost, "unit_price": cost * 1.4, "unit_margin": cost * 0.4,
        "lead_time_mean_days": rng.uniform(2, 8, pairs), "lead_time_sd_days": rng.uniform(0.5, 3, pairs),
        "review_period_days": 1.0, "serving_dc_id": None, "payment_terms_days": 30.0,
        "centre_transfer": 0.04, "inventory_value": 0.0, "aged_inventory_value": 0.0,
        "data_age_days": 0, "weekly": weekly,
    })  # fmt: skip


def write_forecasts(rows: pd.DataFrame, path: Path) -> None:
    """Eight weeks for every pair, in the columns that recommending reads."""
    mean = np.repeat(rows["weekly"].to_numpy(), 8)
    pd.DataFrame({
        "tier": "product", "location_id": np.repeat(rows["location_id"].to_numpy(), 8),
        "item": np.repeat(rows["product_id"].to_numpy(), 8), "horizon": np.tile(np.arange(1, 9), len(rows)),
        "mean": mean, "q10": mean * 0.4, "q50": mean * 0.9, "q90": mean * 1.7, "method": "model",
        "fallback_reason": "", "model_name": "demand", "model_version": "1",
    }).to_parquet(path, index=False)  # fmt: skip


def run(pairs: int) -> dict[str, float]:
    """Seconds from positions and forecasts to finished proposals, how many, and the peak memory in MB."""
    parameters = ReorderParameters()
    rows = positions(pairs)
    with tempfile.TemporaryDirectory() as place:
        forecasts = Path(place) / "f.parquet"
        write_forecasts(rows, forecasts)
        started, cpu = time.perf_counter(), time.process_time()
        needs = compute_needs(rows.drop(columns="weekly"), forecasts, parameters)
        run = Run("R", dt.date(2017, 12, 31), 0, None, parameters)
        moves, _ = transfer.plan_transfers(needs, parameters)
        netted = transfer.netted_of(needs, moves)
        proposals = [
            transfer_proposals.propose(needs, moves, run),
            reorder.propose(netted, reorder.plan_orders(netted, parameters), run),
        ]
    return {
        "pairs": pairs,
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu,
        "proposals": sum(len(part) for part in proposals),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]))))
