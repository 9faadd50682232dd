"""Which stock will not sell before it expires, where lots are known: first expired, first sold."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

SQL = """
WITH as_of AS (SELECT max(date_day) AS day FROM fct_inventory_daily)
SELECT location_id, product_id, (expires_on - as_of.day)::DOUBLE AS days_left,
    sum(on_hand_units)::DOUBLE AS units
FROM fct_inventory_lots, as_of
WHERE valid_from <= as_of.day AND valid_to > as_of.day AND expires_on > as_of.day AND on_hand_units > 0
GROUP BY ALL ORDER BY ALL
"""
COLUMNS = ("location_id", "product_id", "days_left", "units")


def read_lots(warehouse: Path) -> pd.DataFrame:
    """Units by location, product and days until they expire, on the last inventory day; none in releases
    that know no lots."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        has_lots = con.execute(
            "SELECT 1 FROM duckdb_tables() WHERE table_name = 'fct_inventory_lots'"
        ).fetchone()
        return con.execute(SQL).df() if has_lots else pd.DataFrame(columns=list(COLUMNS))


def endangered_lots(lots: pd.DataFrame, daily: pd.DataFrame) -> pd.DataFrame:
    """For each pair the lots that are hardest to sell in time.

    `daily` has `daily_mean` by location and product. `lot_units` must sell within `lot_days_left`: all that
    expires by then, where it exceeds what sells by most. Pairs whose lots all sell in time are left out.
    """
    rows = lots.merge(daily, on=["location_id", "product_id"]).sort_values(
        ["location_id", "product_id", "days_left"], kind="stable"
    )
    rows["lot_units"] = rows.groupby(["location_id", "product_id"])["units"].cumsum()
    rows["over"] = rows["lot_units"] - rows["daily_mean"] * rows["days_left"]
    risky = rows[rows["over"] > 0]
    worst = risky.loc[risky.groupby(["location_id", "product_id"])["over"].idxmax()]
    return worst[["location_id", "product_id", "lot_units", "days_left"]].rename(
        columns={"days_left": "lot_days_left"}
    )


def age_by_lots(rows: pd.DataFrame, lots: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Endangered units and days left of each row, zero units where all sells in time."""
    by_pair = rows[["location_id", "product_id"]].merge(
        endangered_lots(lots, rows[["location_id", "product_id", "daily_mean"]]),
        on=["location_id", "product_id"], how="left",
    )  # fmt: skip
    return by_pair["lot_units"].fillna(0).to_numpy(float), by_pair["lot_days_left"].fillna(0).to_numpy(float)
