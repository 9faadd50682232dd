"""What the raw files say, by pandas alone: no contract, no landing and no model is read for it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

KPIS = ("net_sales", "units_sold", "active_customers", "gross_margin", "inventory_on_hand_units")
COST = "products.landed_cost or price_changes.landed_cost"
Books = dict[str, dict[str, float]]
"""By KPI, then by month as `2025-01`."""


def books_of(folder: Path) -> Books:
    """Every KPI of `KPIS` by month; one without its column or table is empty."""
    sales = _table(folder, "sales_lines")
    sales["month"] = sales["business_date"].str[:7]
    by_month = sales.groupby("month")
    books: Books = {kpi: {} for kpi in KPIS}
    books["net_sales"] = by_month["sales_value"].sum().to_dict()
    books["units_sold"] = by_month["quantity"].sum().to_dict()
    if "customer_id" in sales:
        books["active_customers"] = _filled(by_month["customer_id"].nunique())
    cost = _cost(folder)
    if cost is not None:
        lines = sales.assign(margin=sales["sales_value"] - sales["quantity"] * sales["product_id"].map(cost))
        books["gross_margin"] = lines.groupby("month")["margin"].sum().to_dict()
    if (folder / "inventory_snapshots").exists():
        books["inventory_on_hand_units"] = _closing(_table(folder, "inventory_snapshots"))
    return books


def _closing(snapshots: pd.DataFrame) -> dict[str, float]:
    """The last known units of every product and place in each month, summed."""
    snapshots = snapshots.assign(month=snapshots["snapshot_date"].str[:7]).sort_values("snapshot_date")
    last = snapshots.groupby(["month", "location_id", "product_id"])["on_hand_units"].last()
    return dict(last.groupby("month").sum())


def _cost(folder: Path) -> pd.Series | None:
    products = _table(folder, "products")
    return products.set_index("product_id")["landed_cost"] if "landed_cost" in products else None


def _filled(counts: pd.Series) -> dict[str, float]:
    return dict(counts[counts > 0])


def _table(folder: Path, name: str) -> pd.DataFrame:
    text = dict.fromkeys(("product_id", "location_id", "customer_id", "basket_id"), str)
    return pd.concat(pd.read_csv(path, dtype=text) for path in sorted((folder / name).glob("*.csv")))
