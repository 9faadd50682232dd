"""What recommendations weigh: assumptions of the retailer's planners, stated once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReorderParameters:
    """Rates are yearly unless said; shares lie in 0–1; money in US dollars."""

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

    # Transfers
    centre_transfer: float = 0.04  # a unit from a distribution centre, where no transfer was seen
    store_transfer: float = 0.15  # a unit between two stores of a region: picked, driven, put away
    donor_service: float = 0.95  # a donor keeps what meets its own demand with this probability at least
    least_store_benefit: float = 0.25  # a move between stores that brings less is not worth the walk

    # Markdowns
    markdown_weeks: int = 4
    aged_life_share: float = 0.5  # of the shelf life: older stock counts as aged, as in the marts
    deepest_national: float = 0.4  # a national brand is not sold below this share off
    deepest_private: float = 0.5
    least_markdown_gain: float = 0.25

    # Open orders
    expedite_fee_share: float = 0.08  # of the order line's value
    expedite_fee_least: float = 0.5
    expedite_time_share: float = 0.5  # of the remaining time, at least a day
    defer_days: int = 14
    cancel_fee_share: float = 0.05  # of the line's value
    cancel_cover_weeks: int = 8  # what is not needed for so long is not needed
    least_order_saving: float = 0.5  # less is not worth a call
    least_deferred: float = 10.0  # a smaller line is not worth putting off

    # Holding back
    quiet_days: int = 7  # after a decision, the same is not proposed again unless something changed
    pledge_days: int = 21  # an approved action not carried out for longer is no longer counted on
    least_change_share: float = 0.25  # a smaller change of an open quantity is held back …
    least_change_packs: int = 1  # … unless it exceeds so many packs

    # Customers: how much more an unmet unit weighs where those who agreed to analytics buy most of it
    most_customer_weight: float = 1.25
