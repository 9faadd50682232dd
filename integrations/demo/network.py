"""Stores and distribution centres, and the assortment: which product-locations have a ledger."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from integrations.demo.attributes import DAYS, FIRST_DAY
from integrations.demo.parameters import Parameters


def build_locations(con: duckdb.DuckDBPyConnection, parameters: Parameters) -> None:
    """Create table `demo_locations`: every recorded store, dealt over the regions by size, and a DC per region."""
    stores = con.execute(
        "SELECT store_id FROM transactions GROUP BY store_id ORDER BY sum(sales_value) DESC, store_id"
    ).fetchnumpy()["store_id"]
    rng = parameters.stream("locations")
    regions = parameters.section("regions")
    region: list[str] = []
    while len(region) < len(stores):  # each round of stores of like size is dealt in a new order
        region += [regions[i] for i in rng.permutation(len(regions))]
    banners = parameters.section("banners")
    banner = rng.choice(list(banners), len(stores), p=list(banners.values()))
    rows = {
        "location_id": [str(s) for s in stores] + [f"DC-{r.upper()}" for r in regions],
        "location_name": [f"Store {s}" for s in stores] + [f"{r} distribution centre" for r in regions],
        "location_type": ["store"] * len(stores) + ["dc"] * len(regions),
        "region": region[: len(stores)] + list(regions),
        "banner": [str(b) for b in banner] + ["Distribution"] * len(regions),
        "sales_rank": np.arange(1, len(stores) + len(regions) + 1, dtype=np.int32),
    }
    con.register("_locations", pa.table(rows))
    con.execute("""
        CREATE OR REPLACE TABLE demo_locations AS
        SELECT *, CASE WHEN location_type = 'store' THEN 'DC-' || upper(region) END AS serving_dc_id,
               CAST(row_number() OVER (ORDER BY sales_rank) - 1 AS INTEGER) AS location_index
        FROM _locations""")
    con.unregister("_locations")


def build_pairs(con: duckdb.DuckDBPyConnection, parameters: Parameters) -> None:
    """Create `demo_daily` (recorded units by day of the assortment) and `demo_pairs` (stores first, then DCs)."""
    cut = parameters.section("assortment")
    con.execute(f"""
        CREATE OR REPLACE TABLE demo_daily AS
        SELECT store_id, product_id,
               date_diff('day', {FIRST_DAY}, CAST(timezone('America/New_York',
                         timezone('UTC', transaction_timestamp)) AS DATE)) AS t,
               sum(quantity) AS units
        FROM transactions JOIN demo_products p USING (product_id)
        JOIN (SELECT CAST(location_id AS BIGINT) AS store_id FROM demo_locations
              WHERE location_type = 'store' AND sales_rank <= {cut["top_stores"]}) USING (store_id)
        WHERE p.is_merchandise AND quantity > 0 GROUP BY ALL""")
    con.execute(f"""
        CREATE OR REPLACE TABLE demo_pairs AS
        WITH store_pairs AS (
            SELECT store_id, product_id, min(t) AS first_sale, max(t) AS last_sale
            FROM demo_daily JOIN demo_products USING (product_id) GROUP BY ALL
            HAVING count(DISTINCT (t + 6) // 7) >= {cut["min_selling_weeks"]}
               AND (any_value(shelf_life_days) >= {cut["short_life_below_days"]} OR sum(units) * any_value(shelf_life_days)
                    / (max(t) - min(t) + 1) >= {cut["short_life_units"]})),
        located AS (
            SELECT s.*, l.location_index, l.region, l.serving_dc_id, p.supplier_index, u.kind
            FROM store_pairs s JOIN demo_locations l ON l.location_id = CAST(s.store_id AS VARCHAR)
            JOIN demo_products p USING (product_id) JOIN demo_suppliers u USING (supplier_index)),
        dc_pairs AS (
            SELECT product_id, serving_dc_id, any_value(supplier_index) AS supplier_index,
                   min(first_sale) AS first_sale, max(last_sale) AS last_sale
            FROM located WHERE kind = 'dc' GROUP BY ALL HAVING count(*) >= {cut["dc_min_stores"]}),
        united AS (
            SELECT product_id, location_index, supplier_index, first_sale, last_sale, store_id, false AS is_dc,
                   serving_dc_id FROM located
            UNION ALL
            SELECT d.product_id, l.location_index, supplier_index, first_sale, last_sale, NULL, true, NULL
            FROM dc_pairs d JOIN demo_locations l ON l.location_id = d.serving_dc_id)
        SELECT CAST(row_number() OVER (ORDER BY e.is_dc, e.location_index, e.product_id) - 1 AS INTEGER) AS pair,
               e.*, dc.location_index AS dc_location_index
        FROM united e
        LEFT JOIN dc_pairs d ON d.product_id = e.product_id AND d.serving_dc_id = e.serving_dc_id
        LEFT JOIN demo_locations dc ON dc.location_id = d.serving_dc_id
        ORDER BY pair""")


@dataclass(frozen=True)
class Network:
    """Arrays over pairs (stores `[0, stores)`, then DCs) and `sales[day, pair]` as recorded.

    `source[pair]` is the DC pair that replenishes it, −1 where the supplier delivers.
    """

    stores: int
    sales: np.ndarray
    location: np.ndarray
    supplier: np.ndarray
    source: np.ndarray
    pack: np.ndarray
    shelf_life: np.ndarray
    first_sale: np.ndarray
    last_sale: np.ndarray

    @property
    def pairs(self) -> int:
        """Number of product-locations."""
        return len(self.location)


def read_network(con: duckdb.DuckDBPyConnection, parameters: Parameters) -> Network:
    """The assortment as arrays."""
    pairs = con.execute("""
        SELECT p.*, q.case_pack_units, q.shelf_life_days, coalesce(d.pair, -1) AS source
        FROM demo_pairs p JOIN demo_products q USING (product_id)
        LEFT JOIN demo_pairs d ON d.is_dc AND d.product_id = p.product_id
            AND d.location_index = p.dc_location_index
        ORDER BY p.pair""").fetchnumpy()
    stores = int((~pairs["is_dc"]).sum())
    sold = con.execute("""
        SELECT pair, t, sum(units) AS units FROM demo_daily JOIN demo_pairs USING (store_id, product_id)
        GROUP BY ALL""").fetchnumpy()
    sales = np.zeros((DAYS + 1, len(pairs["pair"])), dtype=np.int32)
    sales[sold["t"].astype(int), sold["pair"].astype(int)] = sold["units"].astype(int)
    pack = pairs["case_pack_units"].astype(np.int32)
    cases = parameters.section("case_packs")["dc_packs_per_case"]
    pack = np.where(pairs["is_dc"], pack * cases, pack).astype(np.int32)
    return Network(
        stores=stores,
        sales=sales,
        location=pairs["location_index"].astype(np.int32),
        supplier=pairs["supplier_index"].astype(np.int32),
        source=pairs["source"].astype(np.int64),
        pack=pack,
        shelf_life=pairs["shelf_life_days"].astype(np.int32),
        first_sale=pairs["first_sale"].astype(np.int32),
        last_sale=pairs["last_sale"].astype(np.int32),
    )
