"""Which further groups to hide, so that no total gives a hidden one back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from governance.disclosure.disclosed import DisclosureHistory
from governance.disclosure.groups import Groups, Probe, add_up, support

Flags = npt.NDArray[np.bool_]


def hide_small(groups: Groups, history: DisclosureHistory, size: int, share: float = 1.0) -> Flags:
    """The groups under the threshold, and those that keep every total from disclosing them (suppression).

    Wherever a coarser group has both hidden and shown parts, the hidden ones together are of `size`
    households or more, and none of these makes more than `share` of a sum: that is all that the coarser total
    less the shown parts can disclose. What the reader
    knows already hides nothing and is not chosen. The smallest are chosen, for they cost least.
    """
    hidden: Flags = (groups.households < size) | groups.dominated(share)
    margins = list(groups.margins())
    settled = False
    while not settled:
        settled = True
        for coarse in margins:
            for chosen in _to_cover(groups, hidden, coarse, history, size, share=share):
                hidden[chosen] = True
                settled = False
    return hidden


def _to_cover(
    groups: Groups,
    hidden: Flags,
    coarse: npt.NDArray[np.int64],
    history: DisclosureHistory,
    size: int,
    *,
    share: float,
) -> list[int]:
    number = int(coarse.max()) + 1 if len(coarse) else 0
    behind = add_up(groups.sketches[hidden], coarse[hidden], number)
    parts = np.bincount(coarse[hidden], minlength=number)
    open_parts = np.bincount(coarse[~hidden], minlength=number)
    some = (parts > 0) & (open_parts > 0)
    thin = some & (support(behind) < size)
    for one in np.flatnonzero(some & ~thin) if groups.largest is not None else ():
        thin[one] = groups.is_dominated_together(hidden & (coarse == one), share)
    chosen = []
    for one in np.flatnonzero(thin):
        free = [
            int(i) for i in np.flatnonzero((coarse == one) & ~hidden) if not history.holds(groups.sketches[i])
        ]
        if free:
            chosen.append(min(free, key=lambda i: (groups.households[i], i)))  # they come in one order
    return chosen


def hidden_in_answer(probe: Probe, hidden: Flags, size: int, share: float = 1.0) -> Flags:
    """The answer's groups that would show something of the hidden finest ones.

    A group of several finest ones may contain hidden ones only if these, and those that it leaves hidden,
    are of `size` households each: else it could be compared with the table of the finest groups.
    """
    finest, member, number = probe.finest, probe.member, len(probe.names)
    inside = hidden & (member >= 0)
    touched = np.bincount(member[inside], minlength=number)
    alone = np.bincount(member[member >= 0], minlength=number) == 1
    within = support(add_up(finest.sketches[inside], member[inside], number))
    refused: Flags = (touched > 0) & (alone | (within < size))
    for one in np.flatnonzero((touched > 0) & ~refused) if finest.largest is not None else ():
        refused[one] = finest.is_dominated_together(inside & (member == one), share)
    for coarse in finest.margins():
        lines = int(coarse.max()) + 1 if len(coarse) else 0
        all_hidden = add_up(finest.sketches[hidden], coarse[hidden], lines)
        for one in np.flatnonzero((touched > 0) & ~refused):
            inside_group = inside & (member == one)
            left = all_hidden - add_up(finest.sketches[inside_group], coarse[inside_group], lines)
            rest = support(left[np.unique(coarse[inside_group])])
            refused[one] = bool(((rest > 0) & (rest < size)).any())
    return refused
