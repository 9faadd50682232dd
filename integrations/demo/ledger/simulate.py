"""The ledger from end to end: assortment, conditions, the day loop, documents, files."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from governance.progress import Progress, silent
from integrations.demo.ledger.assortment import build_pairs
from integrations.demo.ledger.attributes import DAYS, FIRST_DAY, build_products
from integrations.demo.ledger.columns import columns
from integrations.demo.ledger.conditions import draw_conditions
from integrations.demo.ledger.consents import CONSENTS, build_consents
from integrations.demo.ledger.days import Flows, run_days
from integrations.demo.ledger.documents import DOCUMENTS, build_orders
from integrations.demo.ledger.locations import build_locations
from integrations.demo.ledger.lots import LOTS, lot_changes
from integrations.demo.ledger.money import MONEY
from integrations.demo.ledger.network import Network, read_network
from integrations.demo.ledger.parameters import Parameters
from integrations.demo.ledger.planted_anomalies import named_anomalies
from integrations.demo.ledger.prices import PRICES, build_prices
from integrations.demo.ledger.stock import MOVEMENTS, SNAPSHOTS
from semantic.sql.quoting import literal

TABLES = {
    **PRICES,
    **DOCUMENTS,
    **MONEY,
    **CONSENTS,
    "inventory_movements": MOVEMENTS,
    "inventory_snapshots": SNAPSHOTS,
    "inventory_lots": LOTS,
}
LEDGER_TABLES = (
    "suppliers", "products", "locations", "consents", "returns", "price_changes", "purchase_orders",
    "purchase_order_lines", "receipts", "transfers", "inventory_movements", "inventory_snapshots",
    "inventory_lots", "invoices", "payments", "budgets",
)  # fmt: skip


def simulate(
    connection: duckdb.DuckDBPyConnection,
    parameters: Parameters,
    folder: Path,
    *,
    planted_anomalies: Path | None = None,
    progress: Progress = silent,
) -> None:
    """Write `<table>.parquet` into `folder` for every table of LEDGER_TABLES.

    `connection` has the demo's raw tables as views. The folder `planted_anomalies` receives what was planted,
    for tests only.
    """
    con = connection
    build_products(con, parameters)
    build_locations(con, parameters)
    build_prices(con, parameters)
    build_consents(con, parameters)
    build_pairs(con, parameters)
    network = read_network(con, parameters)
    suppliers = columns(con, "SELECT * FROM demo_suppliers ORDER BY supplier_index")
    departments = columns(
        con, "SELECT department FROM demo_pairs JOIN demo_products USING (product_id) ORDER BY pair"
    )["department"].astype(str)
    conditions = draw_conditions(
        network, suppliers, np.asarray(departments, dtype=object).astype(str), parameters
    )
    progress(f"simulating {network.pairs:,} product-locations over {DAYS} days")
    flows = run_days(network, conditions, parameters)
    _register(con, network, flows, conditions.returned)
    build_orders(con, flows, parameters)
    (threads,) = con.execute("SELECT current_setting('threads')").fetchall()[0]
    con.execute("SET threads = 1")  # one writer: the same rows in the same order are the same bytes
    for table in LEDGER_TABLES:
        con.execute(f"COPY ({TABLES[table]}) TO {literal(folder / f'{table}.parquet')} (FORMAT parquet)")
    con.execute(f"SET threads = {threads}")
    for view in ("_stock", "_flows", "_lots"):
        con.unregister(view)
    if planted_anomalies is not None:
        planted_anomalies.mkdir(parents=True, exist_ok=True)
        (planted_anomalies / "anomalies.json").write_text(
            json.dumps(named_anomalies(con, conditions.planted_anomalies), indent=1), encoding="utf-8"
        )


def _register(con: duckdb.DuckDBPyConnection, network: Network, flows: Flows, returned: np.ndarray) -> None:
    """The arrays as tables.

    `_stock` (day, pair, closing state), `_flows` (day, pair, kind, signed units), `_lots` (changes of lots).
    """
    n = network.pairs
    present = flows.ranged | (flows.on_hand > 0) | (flows.on_order > 0) | (flows.in_transit > 0)
    present[1:] |= flows.on_hand[:-1] > 0  # the day on which the last unit went has a row, of zero
    present |= np.diff(flows.total_in, axis=0, prepend=0) > 0
    day, pair = np.nonzero(present)
    sales = network.sales[:DAYS]
    con.register("_stock", pa.table({
        "t": day.astype(np.int16), "pair": pair.astype(np.int32),
        **{c: getattr(flows, c)[day, pair] for c in
           ("on_hand", "reserved", "in_transit", "on_order", "unmet", "aged", "ranged")},
        "sales": sales[day, pair],
    }))  # fmt: skip
    parts = []
    for kind, units in (
        ("sale", -sales),
        ("return", returned),
        ("waste", -flows.waste),
        ("shrink", -flows.shrink),
    ):
        d, p = np.nonzero(units)
        parts.append(pa.table({
            "t": d.astype(np.int16), "pair": p.astype(np.int32),
            "kind": [kind] * len(d), "units": units[d, p],
        }))  # fmt: skip
    opening = np.flatnonzero(flows.opening)
    parts.append(pa.table({
        "t": np.zeros(len(opening), np.int16), "pair": opening.astype(np.int32),
        "kind": ["opening"] * len(opening), "units": flows.opening[opening],
    }))  # fmt: skip
    con.register("_flows", pa.concat_tables(parts))
    con.register("_lots", pa.table(lot_changes(flows)))
    con.register("_shipments", pa.table(flows.orders))
    con.execute("CREATE OR REPLACE TABLE demo_shipments AS SELECT * FROM _shipments")
    con.unregister("_shipments")
    con.execute("""
        CREATE OR REPLACE TABLE demo_items AS
        SELECT p.pair, p.is_dc, p.location_index, l.location_id, l.region,
               CAST(p.product_id AS VARCHAR) AS product_id,
               q.department, q.case_pack_units, q.shelf_life_days, s.supplier_id, s.payment_terms_days,
               s.later_terms_days, s.terms_change_day,
               q.change_day, q.goods0, q.goods1, q.freight0, q.freight1, q.duty0, q.duty1, q.landed0,
               q.landed1, r.list_price
        FROM demo_pairs p
        JOIN demo_locations l USING (location_index)
        JOIN demo_products q USING (product_id)
        JOIN demo_suppliers s ON s.supplier_index = p.supplier_index
        LEFT JOIN demo_first_price r USING (product_id)
        ORDER BY p.pair""")
    assert n == con.execute("SELECT count(*) FROM demo_items").fetchall()[0][0]  # noqa: S101
    con.execute(f"CREATE OR REPLACE MACRO day_of(t) AS CAST({FIRST_DAY} + CAST(t AS INTEGER) AS DATE)")
    con.execute(
        "CREATE OR REPLACE MACRO cost_on(t, change, before, later) AS "
        "CASE WHEN t >= change THEN later ELSE before END"
    )
