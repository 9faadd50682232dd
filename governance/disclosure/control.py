"""One reader's query: which of its groups to withhold, and what the reader knows from then on."""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from governance.disclosure.complement import Flags, hidden_in_answer, hide_small
from governance.disclosure.disclosed import Known, Told
from governance.disclosure.groups import Groups, Probe, add_up, read_probe, support
from governance.disclosure.history import GroupHistory
from governance.errors import Forbidden
from governance.store.engine import OpsStore
from semantic.definitions.restriction import SmallestGroup
from semantic.plan.suppression_probe import GroupProbe

MOST_DIMENSIONS = 6
_TRIED_IN_PAIRS = 16  # answers with more groups are tried in pairs by their total alone
_READERS_KEPT = 64

Ask = Callable[[GroupProbe], pa.Table]


class GroupControl:
    """Judges the groups of every answer about households, reader by reader. Safe to share between threads."""

    def __init__(self, store: OpsStore) -> None:
        self._history = GroupHistory(store)
        self._known: OrderedDict[tuple[str, str, int], Known] = OrderedDict()
        self._lock = threading.Lock()

    def withhold(
        self, reader: str, probes: Iterable[GroupProbe], ask: Ask, floor: SmallestGroup, *, now: dt.datetime
    ) -> SmallestGroup:
        """The floor with the groups to withhold from `reader`, whose history then holds what is shown.

        The history is written before anything is shown. Raises Forbidden where a query tells groups apart by
        more than MOST_DIMENSIONS; the answer depends on who stands behind groups, never on their figures.
        """
        withheld: set[tuple[str, str]] = set()
        for probe in probes:
            if probe.dimensions > MOST_DIMENSIONS:
                raise Forbidden(
                    f"where households are described, at most {MOST_DIMENSIONS} dimensions can be combined",
                    hint="ask for fewer dimensions, or filter by fewer attributes of the customer",
                )
            names = self._judge(reader, probe, read_probe(ask(probe)), floor.size, now)
            withheld.update((probe.name, name) for name in names)
        return SmallestGroup(floor.size, floor.entity, frozenset(withheld))

    def _judge(self, reader: str, probe: GroupProbe, found: Probe, size: int, now: dt.datetime) -> list[str]:
        """Judge against a snapshot of the history, and again where another query got in between."""
        if not found.names:
            return []
        with self._lock_of(reader):
            known = self._known_by(reader, probe.model, size)
            while True:
                self._history.refresh(known, reader, probe.model)
                hidden = judge(found, known, size, full=self._history.is_full(known))
                fresh = [told for told in _told(found.shown, hidden) if not known.has(told)]
                if not fresh or self._history.add(known, reader, probe.model, fresh, now=now):
                    return [name for name, gone in zip(found.names, hidden, strict=True) if gone]

    def _known_by(self, reader: str, model: str, size: int) -> Known:
        key = (reader, model, size)
        with self._lock:
            known = self._known.setdefault(key, Known(size))
            self._known.move_to_end(key)
            while len(self._known) > _READERS_KEPT:
                self._known.popitem(last=False)
        return known

    def _lock_of(self, reader: str) -> threading.Lock:
        return _LOCKS[hash(reader) % len(_LOCKS)]


_LOCKS = tuple(threading.Lock() for _ in range(32))


def judge(found: Probe, known: Known, size: int, *, full: bool = False) -> Flags:
    """The answer's groups that must not show: complementary suppression, then what the history forbids.

    `full`: the history holds no more, so that only what is known already may show.
    """
    shown = found.shown
    hidden = hidden_in_answer(found, hide_small(found.finest, known, size), size)
    hidden |= shown.households < size
    if full:
        return np.asarray([h or not known.holds(s) for h, s in zip(hidden, shown.sketches, strict=True)])
    hidden |= _hidden_by_history(shown, hidden, known)
    settled = False
    while not settled:
        settled = True
        for coarse in shown.margins():
            for one in _telling(shown, hidden, coarse, known, size):
                hidden[one] = True
                settled = False
    return hidden


def _hidden_by_history(shown: Groups, hidden: Flags, known: Known) -> Flags:
    """Groups that differ by few households from what was shown before, or from one shown in this answer."""
    near = np.zeros(len(hidden), dtype=bool)
    in_pairs = len(hidden) <= _TRIED_IN_PAIRS
    beside = Known(known.size)
    for one in np.flatnonzero(~hidden):
        sketch = shown.sketches[one]
        near[one] = known.is_near(sketch) or (beside.is_near(sketch) and not known.holds(sketch))
        if in_pairs and not near[one]:
            near[one] = known.is_near_combined(sketch)
        if not near[one]:
            beside.add(Told(sketch))
    return near


def _telling(
    shown: Groups, hidden: Flags, coarse: npt.NDArray[np.int64], known: Known, size: int
) -> list[int]:
    """One more group to hide for each coarser one whose parts, summed, tell too much."""
    number = int(coarse.max()) + 1 if len(coarse) else 0
    open_sums = add_up(shown.sketches[~hidden], coarse[~hidden], number)
    hidden_sums = add_up(shown.sketches[hidden], coarse[hidden], number)
    behind = support(hidden_sums)
    chosen: list[int] = []
    for one in np.flatnonzero(support(open_sums) > 0):
        told = open_sums[one]
        bad = 0 < behind[one] < size or known.is_near(told)
        bad = bad or (behind[one] > 0 and known.is_near(hidden_sums[one]))
        bad = bad or (number == 1 and known.is_near_combined(told))
        if bad:
            free = [
                int(i)
                for i in np.flatnonzero((coarse == one) & ~hidden)
                if not known.holds(shown.sketches[i])
            ]
            if free:
                chosen.append(min(free, key=lambda i: (shown.households[i], i)))
    return chosen


def _told(shown: Groups, hidden: Flags) -> list[Told]:
    """Everything that an answer tells: its groups, their sums, and what totals would leave beside these."""
    told = [Told(sketch) for sketch in shown.sketches[~hidden]]
    for coarse in shown.margins():
        number = int(coarse.max()) + 1 if len(coarse) else 0
        open_sums = add_up(shown.sketches[~hidden], coarse[~hidden], number)
        hidden_sums = add_up(shown.sketches[hidden], coarse[hidden], number)
        both = (support(open_sums) > 0) & (support(hidden_sums) > 0)
        told += [Told(sketch) for sketch in open_sums[support(open_sums) > 0]]
        told += [Told(sketch, is_shown=False) for sketch in hidden_sums[both]]
    return list({(one.sketch.tobytes(), one.is_shown): one for one in told}.values())
