"""What the ledger adds to a product: supplier, shelf life, case pack, cost and list price.

Grain: one row per product of the whole catalogue, in order of product_id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
import pyarrow as pa

from integrations.demo.ledger.parameters import Parameters
from integrations.demo.ledger.suppliers import assign_suppliers

FIRST_DAY = "DATE '2017-01-01'"
DAYS = 365


def build_products(con: duckdb.DuckDBPyConnection, parameters: Parameters) -> None:
    """Create tables `demo_products` and `demo_suppliers`."""
    facts = con.sql(PRODUCT_FACTS, params=_exclusions(parameters)).to_arrow_table().to_pydict()
    facts["shelf_life_days"] = _shelf_life(parameters, facts)
    rng = parameters.stream("products")
    n = len(facts["product_id"])
    department = np.array(facts["department"], dtype=object)
    merchandise = np.array(facts["is_merchandise"], dtype=bool)

    low, high = _bands(parameters, department)
    margin = low + (high - low) * rng.random(n)
    price = np.array(facts["net_price"], dtype=float)
    cost = np.maximum(price * (1 - margin), 0.01)
    freight = rng.uniform(*parameters.interval("freight_share"), n)
    supplier, imported, suppliers = assign_suppliers(parameters, facts, rng)
    duty = np.where(imported[supplier], rng.uniform(*parameters.interval("duty_share"), n), 0.0)

    changes = rng.random(n) < parameters.values["cost_change_share"]
    factor = np.where(changes, 1 + rng.uniform(*parameters.interval("cost_change_range"), n), 1.0)
    change_day = np.where(changes, rng.integers(30, 330, n), 9999)
    shelf = facts["shelf_life_days"]
    pack = _case_pack(parameters, np.array(facts["weekly_units"], dtype=float), shelf)
    columns: dict[str, object] = {
        "product_id": facts["product_id"],
        "department": facts["department"],
        "is_merchandise": merchandise,
        "supplier_index": supplier.astype(np.int32),
        "shelf_life_days": shelf.astype(np.int32),
        "case_pack_units": pack.astype(np.int32),
        "change_day": change_day.astype(np.int32),
    }
    for step, scale in (("0", np.ones(n)), ("1", factor)):
        goods = np.round(cost * scale / (1 + freight + duty), 4)
        columns[f"goods{step}"] = goods
        columns[f"freight{step}"] = np.round(goods * freight, 4)
        columns[f"duty{step}"] = np.round(goods * duty, 4)
    con.register("_demo_products", pa.table(columns))
    money = ", ".join(f"CAST({c} AS DECIMAL(18, 4)) AS {c}" for c in columns if c[-1] in "01")
    con.execute(f"""
        CREATE OR REPLACE TABLE demo_products AS
        SELECT *, CAST(goods0 + freight0 + duty0 AS DECIMAL(18, 4)) AS landed0,
               CAST(goods1 + freight1 + duty1 AS DECIMAL(18, 4)) AS landed1
        FROM (SELECT * REPLACE ({money}) FROM _demo_products)""")
    con.unregister("_demo_products")
    con.register("_demo_suppliers", pa.table(suppliers))
    con.execute("CREATE OR REPLACE TABLE demo_suppliers AS SELECT * FROM _demo_suppliers")
    con.unregister("_demo_suppliers")


PRODUCT_FACTS = """
    WITH sold AS (
        SELECT product_id, sum(quantity) AS units,
               CAST(sum(CAST(sales_value AS DECIMAL(18, 4))) AS DOUBLE) / sum(quantity) AS net_price,
               CAST(sum(CAST(sales_value AS DECIMAL(18, 4))) AS DOUBLE) AS value,
               sum(quantity) / 52.0 / count(DISTINCT store_id) AS weekly_units
        FROM transactions WHERE quantity > 0 AND sales_value > 0 GROUP BY product_id),
    priced AS (SELECT p.*, s.* EXCLUDE (product_id) FROM products p LEFT JOIN sold s USING (product_id))
    SELECT product_id, department, product_category AS category, manufacturer_id,
           coalesce(net_price, median(net_price) OVER (PARTITION BY department, product_category),
                    median(net_price) OVER (PARTITION BY department), 1.0) AS net_price,
           coalesce(value, 0) AS value, coalesce(weekly_units, 0) AS weekly_units,
           NOT (list_contains(?, department)
                OR coalesce(list_contains(?, product_category), false)) AS is_merchandise
    FROM priced ORDER BY product_id"""


def _exclusions(parameters: Parameters) -> list[list[str]]:
    cut = parameters.section("assortment")
    return [cut["excluded_departments"], cut["excluded_categories"]]


def _bands(parameters: Parameters, department: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    bands = parameters.section("margin_bands")
    pairs = np.array([bands.get(d, bands["default"]) for d in department])
    return pairs[:, 0], pairs[:, 1]


def _shelf_life(parameters: Parameters, facts: Mapping[str, Sequence[str]]) -> np.ndarray:
    by_department = parameters.section("shelf_life_days")
    by_category = parameters.section("shelf_life_days_by_category")
    return np.array([
        by_category.get(c, by_department.get(d, by_department["default"]))
        for d, c in zip(facts["department"], facts["category"], strict=True)
    ])  # fmt: skip


def _case_pack(parameters: Parameters, weekly: np.ndarray, shelf: np.ndarray) -> np.ndarray:
    packs = parameters.section("case_packs")
    band = np.digitize(weekly, packs["weekly_units"])
    short = shelf < parameters.section("assortment")["short_life_below_days"]
    units = np.where(short, np.array(packs["short_life_units"])[band], np.array(packs["units"])[band])
    return np.asarray(units)
