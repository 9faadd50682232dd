"""A small retailer's tables as data frames, in any shape that a test asks for. The same each run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tests.seeds import fixed_random

Tables = dict[str, pd.DataFrame]
ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Product:
    """What is sold: its price and cost, how often a day at one place, and for how long it keeps."""

    name: str
    department: str
    category: str
    price: float
    cost: float
    share: float
    shelf_days: int | None = None


PRODUCTS = (
    Product("P1", "GROCERY", "RICE", 4.50, 2.75, 0.9),
    Product("P2", "GROCERY", "TEA", 6.00, 3.10, 0.6),
    Product("P3", "DAIRY", "MILK", 1.25, 0.80, 0.95, 10),
)


def numbered(first: dt.date, day: dt.date) -> int:
    """Weeks of the shop counted from its first Monday on."""
    return (day - first).days // 7 + 1


def write_shop(
    *,
    first: dt.date = dt.date(2025, 1, 6),
    weeks: int = 20,
    stores: Sequence[str] = ("S1", "S2"),
    weekdays: Sequence[int] = range(7),
    week_of: Callable[[dt.date, dt.date], int] = numbered,
    products: Sequence[Product] = PRODUCTS,
    per_unit: float = 1.0,
    noon_utc: int = 12,
) -> Tables:
    """Products, locations and sales lines: at most one line a product, place and open day."""
    choose = fixed_random(11)
    days = [first + ONE_DAY * n for n in range(7 * weeks)]
    lines = []
    for day in (day for day in days if day.weekday() in weekdays):
        for store in stores:
            basket = f"{store}-{day:%y%m%d}"
            for product in products:
                if choose.random() > product.share:
                    continue
                quantity = choose.choice((1, 1, 2, 3))
                lines.append({
                    "sales_line_id": f"{basket}-{product.name}", "basket_id": basket,
                    "customer_id": f"C{choose.randrange(40)}", "location_id": store,
                    "product_id": product.name, "sold_at": f"{day} {noon_utc:02}:30:00", "business_date": day,
                    "week": week_of(first, day), "quantity": quantity,
                    "sales_value": round(quantity * product.price * per_unit, 2), "retail_discount": 0,
                    "coupon_discount": 0, "coupon_match_discount": 0, "channel": "store",
                })  # fmt: skip
    regions = {store: ("North", "South")[at % 2] for at, store in enumerate(stores)}
    return {
        "products": pd.DataFrame([
            {
                "product_id": p.name, "department": p.department, "category": p.category, "brand": "Own",
                "shelf_life_days": p.shelf_days, "case_pack_units": 6, "landed_cost": p.cost * per_unit,
                "list_price": p.price * per_unit,
            }
            for p in products
        ]).astype({"shelf_life_days": "Int64"}),
        "locations": pd.DataFrame([
            {
                "location_id": store, "location_name": f"Shop {store}", "location_type": "store",
                "region": region, "banner": "Shop",
            }
            for store, region in regions.items()
        ]),
        "sales_lines": pd.DataFrame(lines),
    }  # fmt: skip


def with_everything(tables: Tables) -> Tables:
    """The shop with customers, consents, promotions, suppliers, and a stock ledger of its last 21 days."""
    sales = tables["sales_lines"]
    customers = sorted(sales["customer_id"].unique())
    more: Tables = {
        "customers": pd.DataFrame({"customer_id": customers}),
        "consents": pd.DataFrame({
            "customer_id": customers, "purpose": "analytics", "is_granted": "true",
            "valid_from": str(sales["business_date"].min()),
        }),
        "promotions": pd.DataFrame([
            {"product_id": "P2", "location_id": store, "week": week, "display_location": "0",
             "mailer_location": "A"}
            for week in range(4, int(sales["week"].max()) + 3, 4)
            for store in tables["locations"]["location_id"]
        ]),
        "suppliers": pd.DataFrame([{
            "supplier_id": "V1", "supplier_name": "Wholesale", "payment_terms_days": 30,
            "lead_time_mean_days": 3, "lead_time_sd_days": 0.5, "minimum_order_units": 1,
            "review_period_days": 7,
        }]),
    }  # fmt: skip
    products = tables["products"].assign(supplier_id="V1")
    return {**tables, **more, "products": products, **_ledger(tables)}


def _ledger(tables: Tables) -> Tables:
    """Snapshots and movements that add up: an opening stock that lasts, and every sale taken from it."""
    sales = tables["sales_lines"]
    last = sales["business_date"].max()
    days = [last - ONE_DAY * n for n in range(20, -1, -1)]
    cost = tables["products"].set_index("product_id")["landed_cost"]
    sold = sales.groupby(["location_id", "product_id", "business_date"])["quantity"].sum()
    movements, snapshots = [], []
    for store in tables["locations"]["location_id"]:
        for product in tables["products"]["product_id"]:
            on_hand = 60
            pair = {"location_id": store, "product_id": product}
            unit = {"unit_cost": cost[product]}
            movements.append({
                "movement_id": f"O-{store}-{product}", "movement_date": days[0], **pair,
                "movement_type": "opening", "quantity_units": on_hand, **unit,
            })  # fmt: skip
            for day in days:
                units = int(sold.get((store, product, day), 0))
                if units:
                    movements.append({
                        "movement_id": f"X-{store}-{product}-{day}", "movement_date": day, **pair,
                        "movement_type": "sale", "quantity_units": -units, **unit,
                    })  # fmt: skip
                on_hand -= units
                snapshots.append({
                    "snapshot_date": day, **pair, "on_hand_units": on_hand, "reserved_units": 0,
                    "in_transit_units": 0, "on_order_units": 0, "is_ranged": "true", **unit,
                    "demand_units": units, "sales_units": units,
                })  # fmt: skip
    return {
        "inventory_movements": pd.DataFrame(movements),
        "inventory_snapshots": pd.DataFrame(snapshots),
    }


def write_tables(tables: Tables, folder: Path) -> Path:
    """A folder a table, one CSV file in each; missing values are empty."""
    for name, frame in tables.items():
        (folder / name).mkdir(parents=True)
        frame.to_csv(folder / name / "all.csv", index=False)
    return folder
