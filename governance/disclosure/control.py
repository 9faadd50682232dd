"""One reader's query: which of its groups to suppress, and what the reader knows from then on."""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from governance.disclosure.complement import Flags, hidden_in_answer, hide_small
from governance.disclosure.disclosed import Disclosure, DisclosureHistory
from governance.disclosure.groups import Groups, Probe, add_up, read_probe, support
from governance.disclosure.history import StoredHistory
from governance.errors import ForbiddenError
from governance.store.engine import OpsStore
from semantic.definitions.restriction import MinimumGroup
from semantic.plan.suppression_probe import GroupProbe

MOST_DIMENSIONS = 6
LARGEST_SHARE = 0.85
"""Of a sum, that one household may make: with more, the sum is nearly the household's own figure."""
_TRIED_IN_PAIRS = 16  # answers with more groups are tried in pairs by their total alone
_CACHED_READERS = 64

RunProbe = Callable[[GroupProbe], pa.Table]


class GroupControl:
    """Judges the groups of every answer about households, reader by reader. Safe to share between threads."""

    def __init__(self, store: OpsStore, *, largest_share: float = LARGEST_SHARE) -> None:
        self._largest_share = largest_share
        self._stored = StoredHistory(store)
        self._histories: OrderedDict[tuple[str, str, int], DisclosureHistory] = OrderedDict()
        self._lock = threading.Lock()

    def suppress(
        self,
        reader: str,
        probes: Iterable[GroupProbe],
        run_probe: RunProbe,
        threshold: MinimumGroup,
        *,
        now: dt.datetime,
    ) -> MinimumGroup:
        """The threshold with the groups to suppress for `reader`, whose history then holds what is shown.

        The history is written before anything is shown. Raises ForbiddenError where a query tells groups
        apart by more than MOST_DIMENSIONS; the answer depends on who stands behind groups, never on their
        figures.
        """
        suppressed: set[tuple[str, str]] = set()
        for probe in probes:
            if probe.dimensions > MOST_DIMENSIONS:
                raise ForbiddenError(
                    f"Where households are described, at most {MOST_DIMENSIONS} dimensions can be combined.",
                    hint="ask for fewer dimensions, or filter by fewer attributes of the customer",
                )
            names = self._review(reader, probe, read_probe(run_probe(probe)), threshold.size, now)
            suppressed.update((probe.name, name) for name in names)
        return MinimumGroup(threshold.size, threshold.entity, frozenset(suppressed))

    def _review(
        self, reader: str, probe: GroupProbe, answer: Probe, size: int, now: dt.datetime
    ) -> list[str]:
        """Judge against a snapshot of the history, and again where another query got in between."""
        if not answer.names:
            return []
        with self._lock_of(reader):
            history = self._history_of(reader, probe.model, size)
            while True:
                self._stored.refresh(history, reader, probe.model)
                is_full = self._stored.is_full(history)
                hidden = review(answer, history, size, full=is_full, share=self._largest_share)
                fresh = [one for one in _disclosures(answer.displayed, hidden) if not history.has(one)]
                if not fresh or self._stored.add(history, reader, probe.model, fresh, now=now):
                    return [name for name, gone in zip(answer.names, hidden, strict=True) if gone]

    def _history_of(self, reader: str, model: str, size: int) -> DisclosureHistory:
        key = (reader, model, size)
        with self._lock:
            history = self._histories.setdefault(key, DisclosureHistory(size))
            self._histories.move_to_end(key)
            while len(self._histories) > _CACHED_READERS:
                self._histories.popitem(last=False)
        return history

    def _lock_of(self, reader: str) -> threading.Lock:
        return _LOCKS[hash(reader) % len(_LOCKS)]


_LOCKS = tuple(threading.Lock() for _ in range(32))


def review(
    answer: Probe, history: DisclosureHistory, size: int, *, full: bool = False, share: float = LARGEST_SHARE
) -> Flags:
    """The answer's groups that must not show: complementary suppression, then what the history forbids.

    A group is small, or one household makes more than `share` of a sum of it.

    `full`: the history holds no more, so that only what is known already may show.
    """
    displayed = answer.displayed
    hidden = hidden_in_answer(answer, hide_small(answer.finest, history, size, share), size, share)
    hidden |= (displayed.households < size) | displayed.dominated(share)
    if full:
        return np.asarray(
            [h or not history.holds(s) for h, s in zip(hidden, displayed.sketches, strict=True)]
        )
    hidden |= _hidden_by_history(displayed, hidden, history)
    settled = False
    while not settled:
        settled = True
        for coarse in displayed.margins():
            for one in _telling(displayed, hidden, coarse, history, size, share=share):
                hidden[one] = True
                settled = False
    return hidden


def _hidden_by_history(displayed: Groups, hidden: Flags, history: DisclosureHistory) -> Flags:
    """Groups that differ by few households from what was shown before, or from one shown in this answer."""
    near = np.zeros(len(hidden), dtype=bool)
    in_pairs = len(hidden) <= _TRIED_IN_PAIRS
    beside = DisclosureHistory(history.size)
    for one in np.flatnonzero(~hidden):
        sketch = displayed.sketches[one]
        near[one] = history.is_near(sketch) or (beside.is_near(sketch) and not history.holds(sketch))
        if in_pairs and not near[one]:
            near[one] = history.is_near_combined(sketch)
        if not near[one]:
            beside.add(Disclosure(sketch))
    return near


def _telling(
    displayed: Groups,
    hidden: Flags,
    coarse: npt.NDArray[np.int64],
    history: DisclosureHistory,
    size: int,
    *,
    share: float,
) -> list[int]:
    """One more group to hide for each coarser one whose parts, summed, tell too much."""
    number = int(coarse.max()) + 1 if len(coarse) else 0
    open_sums = add_up(displayed.sketches[~hidden], coarse[~hidden], number)
    hidden_sums = add_up(displayed.sketches[hidden], coarse[hidden], number)
    behind = support(hidden_sums)
    chosen: list[int] = []
    for one in np.flatnonzero(support(open_sums) > 0):
        disclosed = open_sums[one]
        bad = 0 < behind[one] < size or history.is_near(disclosed)
        bad = bad or (behind[one] > 0 and history.is_near(hidden_sums[one]))
        if behind[one] > 0 and displayed.largest is not None:
            bad = bad or displayed.is_dominated_together(hidden & (coarse == one), share)
        bad = bad or (number == 1 and history.is_near_combined(disclosed))
        if bad:
            free = [
                int(i)
                for i in np.flatnonzero((coarse == one) & ~hidden)
                if not history.holds(displayed.sketches[i])
            ]
            if free:
                chosen.append(min(free, key=lambda i: (displayed.households[i], i)))
    return chosen


def _disclosures(displayed: Groups, hidden: Flags) -> list[Disclosure]:
    """Everything that an answer tells: its groups, their sums, and what totals would leave beside these."""
    disclosed = [Disclosure(sketch) for sketch in displayed.sketches[~hidden]]
    for coarse in displayed.margins():
        number = int(coarse.max()) + 1 if len(coarse) else 0
        open_sums = add_up(displayed.sketches[~hidden], coarse[~hidden], number)
        hidden_sums = add_up(displayed.sketches[hidden], coarse[hidden], number)
        both = (support(open_sums) > 0) & (support(hidden_sums) > 0)
        disclosed += [Disclosure(sketch) for sketch in open_sums[support(open_sums) > 0]]
        disclosed += [Disclosure(sketch, is_shown=False) for sketch in hidden_sums[both]]
    return list({(one.sketch.tobytes(), one.is_shown): one for one in disclosed}.values())
