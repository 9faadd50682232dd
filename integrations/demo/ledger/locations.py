"""Stores and distribution centres of the demo. Regions are dealt, not recorded."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

from integrations.demo.ledger.columns import columns
from integrations.demo.ledger.orders import NEVER
from integrations.demo.ledger.parameters import Parameters


def build_locations(con: duckdb.DuckDBPyConnection, parameters: Parameters) -> None:
    """Create table `demo_locations`: every recorded store, dealt over the regions by size, one DC each."""
    stores = columns(
        con,
        "SELECT store_id FROM transactions GROUP BY store_id "
        "ORDER BY sum(CAST(sales_value AS DECIMAL(18, 4))) DESC, store_id",
    )["store_id"]
    rng = parameters.stream("locations")
    regions = parameters.section("regions")
    region: list[str] = []
    while len(region) < len(stores):  # each round of stores of like size is dealt in a new order
        region += [regions[i] for i in rng.permutation(len(regions))]
    banners = parameters.section("banners")
    banner = rng.choice(list(banners), len(stores), p=list(banners.values()))
    refit = parameters.section("refit_stores")
    later = parameters.stream("refits")
    refit_day = np.full(len(stores) + len(regions), NEVER, dtype=np.int32)
    first, last = refit["days"]
    changing = later.permutation(100)[: refit["count"]]  # of the hundred largest
    refit_day[changing] = later.integers(first, last, size=refit["count"])
    rows = {
        "location_id": [str(s) for s in stores] + [f"DC-{r.upper()}" for r in regions],
        "location_name": [f"Store {s}" for s in stores] + [f"{r} distribution centre" for r in regions],
        "location_type": ["store"] * len(stores) + ["dc"] * len(regions),
        "region": region[: len(stores)] + list(regions),
        "banner": [str(b) for b in banner] + ["Distribution"] * len(regions),
        "refit_day": refit_day,
        "later_banner": [refit["banner"]] * len(refit_day),
        "sales_rank": np.arange(1, len(stores) + len(regions) + 1, dtype=np.int32),
    }
    con.register("_locations", pa.table(rows))
    con.execute("""
        CREATE OR REPLACE TABLE demo_locations AS
        SELECT *, CASE WHEN location_type = 'store' THEN 'DC-' || upper(region) END AS serving_dc_id,
               CAST(row_number() OVER (ORDER BY sales_rank) - 1 AS INTEGER) AS location_index
        FROM _locations""")
    con.unregister("_locations")
