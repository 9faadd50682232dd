"""Real data of others, mapped to contract tables: an online gift shop in pounds, a grocery chain by weeks.

The files are beside the repository, never in it: `../shared/data`. A test that needs them fails if the folder
is there and cannot be read, and says why it is skipped if it is not.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import ROOT
from tests.retailers.shop import Tables

DATA = next((p / "shared" / "data" for p in ROOT.parents if (p / "shared" / "data").is_dir()), None)


def require_data() -> Path:
    """The folder of real data; skips the test if there is none."""
    if DATA is None:
        pytest.skip("the real data (shared/data beside the repository) are not on this machine")
    return DATA


def online_shop(*, products: int, weeks: int) -> Tables:
    """The best-selling products of the online shop, its first weeks; guests have no customer.

    Cancellations (invoices that begin with C), write-offs and lines without a price are left out.
    """
    lines = pd.read_parquet(require_data() / "online_retail.parquet")
    lines = lines[(lines["Quantity"] > 0) & (lines["UnitPrice"] > 0)]
    lines = lines[~lines["InvoiceNo"].str.startswith("C") & lines["StockCode"].str.match(r"^\d{5}")]
    lines = lines[lines["InvoiceDate"] < lines["InvoiceDate"].min() + pd.Timedelta(weeks=weeks)]
    best = lines.groupby("StockCode")["InvoiceNo"].count().nlargest(products).index
    lines = lines[lines["StockCode"].isin(best)].reset_index(drop=True)
    names = lines.groupby("StockCode")["Description"].agg(lambda names: names.mode().iat[0])
    sales = pd.DataFrame({
        "sales_line_id": lines["InvoiceNo"] + "-" + lines.index.astype(str),
        "basket_id": lines["InvoiceNo"],
        "customer_id": lines["CustomerID"],
        "location_id": "WEB",
        "product_id": lines["StockCode"],
        "sold_at": lines["InvoiceDate"].astype(str),
        "business_date": lines["InvoiceDate"].dt.date,
        "quantity": lines["Quantity"],
        "sales_value": (lines["Quantity"] * lines["UnitPrice"]).round(2),
        "channel": "online",
    })  # fmt: skip
    return {
        "products": pd.DataFrame({
            "product_id": names.index, "department": "GIFTS", "product_type": names.to_numpy(),
        }),
        "locations": pd.DataFrame([{
            "location_id": "WEB", "location_name": "Web shop", "location_type": "store", "region": "UK",
        }]),
        "sales_lines": sales,
    }  # fmt: skip


def grocer(*, stores: int, products: int, weeks: int) -> Tables:
    """Store-product-weeks of the grocery chain: no ticket, no customer, no time of day, no cost."""
    data = require_data()
    weekly = pd.read_parquet(data / "grocer_sales_weekly.parquet")
    weekly = weekly[weekly["week_end_date"] < weekly["week_end_date"].min() + pd.Timedelta(weeks=weeks)]
    weekly = weekly[weekly["units"] > 0]
    at = weekly.groupby("store_id")["units"].sum().nlargest(stores).index
    of = weekly.groupby("upc_id")["units"].sum().nlargest(products).index
    weekly = weekly[weekly["store_id"].isin(at) & weekly["upc_id"].isin(of)].reset_index(drop=True)
    listed = pd.read_parquet(data / "grocer_products.parquet").query("upc_id in @of")
    places = pd.read_parquet(data / "grocer_stores.parquet").drop_duplicates("store_id")
    places = places.query("store_id in @at")
    return {
        "products": pd.DataFrame({
            "product_id": listed["upc_id"], "department": listed["category"],
            "category": listed["sub_category"], "brand": listed["manufacturer"],
            "package_size": listed["product_size"],
        }),
        "locations": pd.DataFrame({
            "location_id": places["store_id"], "location_name": places["store_name"],
            "location_type": "store", "region": places["address_city_name"],
        }),
        "sales_lines": pd.DataFrame({
            "sales_line_id": weekly.index.astype(str), "location_id": weekly["store_id"],
            "product_id": weekly["upc_id"], "business_date": weekly["week_end_date"].dt.date,
            "quantity": weekly["units"], "sales_value": weekly["spend"].round(2),
        }),
    }  # fmt: skip
