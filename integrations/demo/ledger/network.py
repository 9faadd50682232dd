"""The network as arrays, the form in which the day loop works."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np

from integrations.demo.ledger.attributes import DAYS
from integrations.demo.ledger.columns import columns
from integrations.demo.ledger.parameters import Parameters


@dataclass(frozen=True)
class Network:
    """Arrays over pairs (stores `[0, stores)`, then DCs) and `sales[day, pair]` as recorded.

    `group[pair]` numbers product and region (−1 for DCs). `source[pair]` is the DC pair that replenishes it,
    −1 if the supplier delivers.
    """

    stores: int
    sales: np.ndarray
    location: np.ndarray
    supplier: np.ndarray
    source: np.ndarray
    group: np.ndarray
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
    pairs = columns(
        con,
        """
        SELECT p.*, q.case_pack_units, q.shelf_life_days, coalesce(d.pair, -1) AS source,
               CASE WHEN p.is_dc THEN -1 ELSE dense_rank() OVER (ORDER BY p.product_id, l.region) END AS grp
        FROM demo_pairs p JOIN demo_products q USING (product_id)
        JOIN demo_locations l USING (location_index)
        LEFT JOIN demo_pairs d ON d.is_dc AND d.product_id = p.product_id
            AND d.location_index = p.dc_location_index
        ORDER BY p.pair""",
    )
    stores = int((~pairs["is_dc"]).sum())
    sold = columns(
        con,
        """
        SELECT pair, t, sum(units) AS units FROM demo_daily JOIN demo_pairs USING (store_id, product_id)
        GROUP BY ALL""",
    )
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
        group=pairs["grp"].astype(np.int64),
        pack=pack,
        shelf_life=pairs["shelf_life_days"].astype(np.int32),
        first_sale=pairs["first_sale"].astype(np.int32),
        last_sale=pairs["last_sale"].astype(np.int32),
    )
