"""What a reorder weighs: assumptions of the retailer's planners, stated once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReorderParameters:
    """Rates are yearly unless said; shares lie in 0–1."""

    carrying_rate: float = 0.22  # of unit cost a year
    lost_customer_share: float = (
        0.25  # of unit price: the rest of the basket and the next visits, per unmet unit
    )
    waste_share: float = 0.6  # of unit cost lost on a unit that outlives its shelf life
    least_service: float = 0.80  # never order to the median
    greatest_service: float = 0.97
    shelf_life_use: float = 0.8  # stock after receipt must sell within this share of the shelf life
    lead_time_days_seen: int = 180  # receipts of the last so many days tell the lead time
    least_receipts: int = 12  # fewer: the supplier's own statement
    sale_window_days: int = 91  # realised price and margin
    valid_days: int = 7
    transfer_days: float = 2.0  # a distribution centre's delivery, where no transfer was seen
