"""Lots of the simulated stock: what came to a place on one day, used up first in, first out.

The stock of a pair is a queue: the units that came in, numbered in order, leave in that order. So a lot is an
interval of those numbers, and what a day takes out is another; where both overlap, the lot gave to the day.
Shelf life counts from the day on which the units came to the place.
"""

from __future__ import annotations

import numpy as np

from integrations.demo.ledger.days import Flows

_ROOM = 1 << 32  # more units than a pair sees in a year: numbers of different pairs never touch


def lot_changes(flows: Flows) -> dict[str, np.ndarray]:
    """Columns pair, lot_day, t, units: what each lot holds at the close of every day that changed it.

    The first row of a lot is the day it came in; the last is 0 once it is used up.
    """
    total_in = flows.total_in.T.astype(np.int64)
    total_out = total_in - flows.on_hand.T
    pair, lot_day, size, ends = _events(total_in)
    _, out_day, _, out_ends = _events(total_out)
    # Cut the queue wherever a lot or a day's taking ends: a piece lies in one lot and, if gone, in one day.
    cuts = np.union1d(ends, out_ends)
    start = np.maximum(np.r_[0, cuts[:-1]], cuts // _ROOM * _ROOM)
    taking = np.searchsorted(out_ends, cuts)
    left = taking < len(out_ends)
    left[left] = out_ends[taking[left]] // _ROOM == (cuts[left] - 1) // _ROOM
    lot = np.searchsorted(ends, cuts[left])
    taken, day = (cuts - start)[left], out_day[taking[left]]
    running = np.cumsum(taken)
    first = np.r_[True, lot[1:] != lot[:-1]] if len(lot) else np.zeros(0, bool)
    before = np.maximum.accumulate(np.where(first, running - taken, 0)) if len(lot) else running
    still_whole = np.ones(len(pair), bool)
    still_whole[lot[day == lot_day[lot]]] = False  # sold from on its first day: that row says it
    lots = np.r_[np.flatnonzero(still_whole), lot]
    days = np.r_[lot_day[still_whole], day]
    units = np.r_[size[still_whole], size[lot] - (running - before)]
    order = np.lexsort((days, lots))
    return {
        "pair": pair[lots][order].astype(np.int32),
        "lot_day": lot_day[lots][order].astype(np.int16),
        "t": days[order].astype(np.int16),
        "units": units[order].astype(np.int32),
    }


def _events(total: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pair, day and units of every rise of a running total [pair, day], and where it ends in the queue."""
    rises = np.diff(total, axis=1, prepend=0)
    pair, day = np.nonzero(rises)
    return pair, day, rises[pair, day], pair * _ROOM + total[pair, day]


LOTS = """
    SELECT 'LOT-' || strftime(day_of(s.lot_day), '%Y%m%d') || '-' || i.location_id || '-' || i.product_id
               AS lot_id,
           i.location_id, i.product_id, day_of(s.t) AS counted_on, day_of(s.lot_day) AS received_on,
           day_of(s.lot_day + i.shelf_life_days) AS expires_on, s.units AS on_hand_units, true AS is_simulated
    FROM _lots s JOIN demo_items i USING (pair) ORDER BY s.pair, s.lot_day, s.t"""
