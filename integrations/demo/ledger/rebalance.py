"""Who gives to whom: in each group the pair with the largest surplus and the one with the largest need."""

from __future__ import annotations

import numpy as np


def matches(group: np.ndarray, surplus: np.ndarray, need: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Givers and takers, one couple a group at most; ties go to the pair of the lower number.

    All three arrays are by pair. A pair with surplus 0 gives nothing, one with need 0 takes nothing.
    """
    giver, taker = _greatest(group, surplus), _greatest(group, need)
    _, at_giver, at_taker = np.intersect1d(group[giver], group[taker], return_indices=True)
    giver, taker = giver[at_giver], taker[at_taker]
    apart = giver != taker
    return giver[apart], taker[apart]


def _greatest(group: np.ndarray, units: np.ndarray) -> np.ndarray:
    """The pair with most units of every group that has any."""
    some = np.flatnonzero(units > 0)
    ordered = some[np.lexsort((some, -units[some], group[some]))]
    return ordered[np.unique(group[ordered], return_index=True)[1]]
