"""What a reader knows already: sketches of the groups that were shown, searchable for near ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from governance.disclosure.groups import Sketches, support
from semantic.plan.suppression_probe import BUCKETS

_COMBINED = 256  # newest sketches that are also tried in pairs


@dataclass(frozen=True)
class Disclosure:
    """A group that an answer discloses. Not `is_shown`: the rest that a total, once asked, would leave."""

    sketch: Sketches
    is_shown: bool = True


class DisclosureHistory:
    """Sketches, and which of new ones differ from them by few households.

    Two groups whose rows differ for fewer than `size` households differ in fewer than `size` buckets. Of
    `size` bands of buckets at least one is then equal in both: equal bands are looked up, and only what they
    find is compared. Bands of zeros are left out of it; sketches that have one are compared with each other.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.newest = 0
        self._displayed: set[bytes] = set()
        self._implied: set[bytes] = set()
        self._count = 0
        self._room: Sketches = np.zeros((64, BUCKETS), dtype=np.uint64)
        self._bands = [np.asarray(part) for part in np.array_split(np.arange(BUCKETS), size)]
        self._index: dict[tuple[int, bytes], list[int]] = {}
        self._sparse: list[int] = []

    def __len__(self) -> int:
        return self._count

    def holds(self, sketch: Sketches) -> bool:
        """Whether exactly this group was shown before."""
        return sketch.tobytes() in self._displayed

    def has(self, group: Disclosure) -> bool:
        """Whether there is nothing new in it: known, or nobody."""
        text = group.sketch.tobytes()
        return (
            not group.sketch.any()
            or text in self._displayed
            or (not group.is_shown and text in self._implied)
        )

    def add(self, group: Disclosure) -> None:
        """Remember a group that was disclosed."""
        if self.has(group):
            return
        sketch = group.sketch
        (self._displayed if group.is_shown else self._implied).add(sketch.tobytes())
        at = self._count
        if at == len(self._room):
            self._room = np.vstack([self._room, np.zeros_like(self._room)])
        self._room[at] = sketch
        self._count += 1
        sparse = False
        for number, band in enumerate(self._bands):
            part = sketch[band]
            if part.any():
                self._index.setdefault((number, part.tobytes()), []).append(at)
            else:
                sparse = True
        if sparse:
            self._sparse.append(at)

    def is_near(self, sketch: Sketches) -> bool:
        """Whether the difference to a known group is of 1 to `size` - 1 households."""
        if not len(self) or self.holds(sketch):
            return False
        candidates: set[int] = set()
        sparse = False
        for number, band in enumerate(self._bands):
            part = sketch[band]
            if part.any():
                candidates.update(self._index.get((number, part.tobytes()), ()))
            else:
                sparse = True
        if sparse:
            candidates.update(self._sparse)
        if not candidates:
            return False
        differing = np.count_nonzero(self._all()[sorted(candidates)] != sketch, axis=1)
        return bool(((differing > 0) & (differing < self.size)).any())

    def is_near_combined(self, sketch: Sketches) -> bool:
        """Whether with one known group added or taken away it comes near another: what trackers do."""
        if len(self) < 2 or self.holds(sketch):
            return False
        newest = self._all()[-_COMBINED:]
        for combined in (*(newest + sketch), *(sketch - newest)):
            if int(support(combined)) >= self.size and self.is_near(combined):
                return True
        return False

    def _all(self) -> Sketches:
        return self._room[: self._count]
