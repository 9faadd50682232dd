"""A shop whose customers have rights."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import duckdb
import pytest

from integrations.pseudonyms import PseudonymTable
from semantic.sql.quoting import literal
from tests.integrations.conftest import Shop

NOW = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
SALES = (
    "sales_line_id,basket_id,customer_id,location_id,product_id,sold_at,business_date,week,quantity,"
    "sales_value,retail_discount,coupon_discount,coupon_match_discount,channel"
)


def sale(number: int, customer: str, day: str = "2025-06-02", usd: str = "1.25") -> str:
    """One line of one basket."""
    return f"S{number},B{number},{customer},L1,P1,{day} 10:00:00,{day},22,1,{usd},0,0,0,store"


@pytest.fixture
def people(shop: Shop) -> Shop:
    """Anna and Bela: profiles, consents, coupons, campaigns, sales, a return; a broken row of Anna's."""
    shop.put("customers/c.csv", "customer_id,age_band\nK-Anna,35-44\nK-Bela,65+\n")
    shop.put(
        "consents/c.csv",
        "customer_id,purpose,is_granted,valid_from,valid_to\n"
        "K-Anna,analytics,true,2020-01-01,\nK-Bela,analytics,true,2020-01-01,2021-01-01\n",
    )
    shop.put(
        "coupon_redemptions/c.csv",
        "customer_id,coupon_id,campaign_id,redeemed_on\nK-Anna,Q1,M1,2025-06-02\nK-Bela,Q1,M1,2025-06-02\n",
    )
    shop.put(
        "campaigns/c.csv",
        "campaign_id,campaign_type,customer_id,starts_on,ends_on\n"
        "M1,Mailer,K-Anna,2025-06-01,2025-06-30\nM1,Mailer,K-Bela,2025-06-01,2025-06-30\n",
    )
    rows = [
        sale(1, "K-Anna", "2023-06-02"),
        sale(2, "K-Anna"),
        sale(3, "K-Bela"),
        sale(4, "K-Anna").replace("1.25", "dear"),
    ]
    shop.put("sales_lines/a.csv", "\n".join([SALES, *rows]) + "\n")
    shop.put(
        "returns/r.csv",
        "return_id,returned_at,location_id,product_id,customer_id,quantity,refund,reason\n"
        "R1,2025-06-03 10:00:00,L1,P1,K-Anna,1,1.25,quality\n",
    )
    shop.run()
    return shop


@pytest.fixture
def table(people: Shop) -> PseudonymTable:
    """The shop's pseudonyms."""
    return PseudonymTable.open(people.root / "people")


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB in memory."""
    with duckdb.connect() as connection:
        yield connection


def rows_of(shop: Shop, pseudonym: str) -> dict[str, int]:
    """Landed rows that hold a value in any column, by table."""
    counts = {}
    for folder in sorted(shop.landing.iterdir()):
        if folder.is_dir() and any(folder.glob("*/*.parquet")):
            sql = f"SELECT * FROM read_parquet({literal(folder / '*/*.parquet')})"
            counts[folder.name] = sum(pseudonym in map(str, row) for row in duckdb.sql(sql).fetchall())
    return {table: count for table, count in counts.items() if count}
