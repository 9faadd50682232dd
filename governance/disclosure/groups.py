"""The groups of one answer with their contributing households, as the compiler's probe reports them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from semantic.plan.suppression_probe import BUCKETS

Sketches = npt.NDArray[np.uint64]
"""One row per group, one column per bucket. Rows of disjoint groups add up, modulo 2**64."""

Amounts = npt.NDArray[np.float64]
"""One row per group, one column per sum that an answer shows."""


@dataclass(frozen=True)
class Groups:
    """Groups with their keys, the number of households behind each, and a sketch of their rows.

    `largest` and `total` have a column for each sum that the answer shows: what one household contributes at
    most, and all together. None if the answer shows no sum.
    """

    keys: Sequence[tuple[str | None, ...]]
    households: npt.NDArray[np.int64]
    sketches: Sketches
    largest: Amounts | None = None
    total: Amounts | None = None

    def dominated(self, share: float) -> npt.NDArray[np.bool_]:
        """The groups of which one household makes more than `share` of some sum."""
        if self.largest is None or self.total is None:
            return np.zeros(len(self.keys), dtype=bool)
        return np.asarray((self.largest > share * self.total).any(axis=1))

    def is_dominated_together(self, members: npt.NDArray[np.bool_], share: float) -> bool:
        """Whether one household makes more than `share` of some sum of these groups taken together.

        Who leads a dominated group may lead all of them: their largest are taken as one household's.
        """
        if self.largest is None or self.total is None or not members.any():
            return False
        leading = members & self.dominated(share)
        together = self.largest[leading].sum(axis=0)
        largest = np.maximum(self.largest[members].max(axis=0), together)
        return bool((largest > share * self.total[members].sum(axis=0)).any())

    def margins(self) -> Iterator[npt.NDArray[np.int64]]:
        """For each way to leave out keys: the number of the coarser group that each group belongs to.

        If two groups share all keys (one matches the filters, one does not), they are a coarser one, too.
        """
        width = len(self.keys[0]) if self.keys else 0
        repeated = len(set(self.keys)) < len(self.keys)
        for size in range(width + repeated):
            for chosen in itertools.combinations(range(width), size):
                numbers: dict[tuple[str | None, ...], int] = {}
                coarse = [
                    numbers.setdefault(tuple(key[i] for i in chosen), len(numbers)) for key in self.keys
                ]
                yield np.asarray(coarse, dtype=np.int64)


@dataclass(frozen=True)
class Probe:
    """The finest groups of a query, and the answer's groups made of them.

    `member[i]` is the answer's group that finest group i belongs to, -1 if the filters leave it out.
    """

    finest: Groups
    displayed: Groups
    names: Sequence[str]
    member: npt.NDArray[np.int64]


def read_probe(table: pa.Table) -> Probe:
    """From the answer of a `GroupProbe`, in an order that does not depend on the engine."""
    table = table.sort_by([("cell", "ascending")])
    cells = [tuple(json.loads(text)) for text in table.column("cell").to_pylist()]
    texts = table.column("shown").to_pylist()
    names = sorted({text for text in texts if text is not None})
    at = {name: n for n, name in enumerate(names)}
    member = np.asarray([-1 if text is None else at[text] for text in texts], dtype=np.int64)
    sketches = _sketches(table.column("sketch"))
    households = np.asarray(table.column("entities").to_pylist(), dtype=np.int64)
    inside = member >= 0
    summed = add_up(sketches[inside], member[inside], len(names))
    alone = np.bincount(member[inside], minlength=len(names)) == 1
    counted = support(summed)  # of several finest groups at least so many; of one, exactly:
    exact = np.zeros(len(names), dtype=np.int64)
    np.add.at(exact, member[inside], households[inside])
    finest = Groups([c[:-1] for c in cells], households, sketches, *_amounts(table))
    amounts = _displayed_amounts(finest, member, len(names))
    displayed = Groups(
        [tuple(json.loads(n)) for n in names], np.where(alone, exact, counted), summed, *amounts
    )
    return Probe(finest, displayed, names, member)


def _amounts(table: pa.Table) -> tuple[Amounts | None, Amounts | None]:
    if "largest" not in table.column_names or not len(table):
        return None, None
    largest, total = (
        np.asarray(table.column(name).to_pylist(), dtype=np.float64).reshape(len(table), -1)
        for name in ("largest", "total")
    )
    return largest, total


def _displayed_amounts(
    finest: Groups, member: npt.NDArray[np.int64], number: int
) -> tuple[Amounts | None, Amounts | None]:
    """Of the answer's groups: a household is in one finest group of each, for they differ by what it is."""
    if finest.largest is None or finest.total is None:
        return None, None
    inside = member >= 0
    largest = np.zeros((number, finest.largest.shape[1]))
    total = np.zeros_like(largest)
    np.maximum.at(largest, member[inside], finest.largest[inside])
    np.add.at(total, member[inside], finest.total[inside])
    return largest, total


def add_up(sketches: Sketches, into: npt.NDArray[np.int64], number: int) -> Sketches:
    """Sketches of unions: row i is added to row `into[i]`."""
    total = np.zeros((number, BUCKETS), dtype=np.uint64)
    np.add.at(total, into, sketches)
    return total


def support(sketches: Sketches) -> npt.NDArray[np.int64]:
    """How many households there are behind each sketch, at least."""
    return np.asarray(np.count_nonzero(sketches, axis=-1), dtype=np.int64)


def _sketches(column: pa.ChunkedArray) -> Sketches:
    lists = column.combine_chunks()
    sketches = np.zeros((len(lists), BUCKETS), dtype=np.uint64)
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
    rows = np.repeat(np.arange(len(lists)), lengths)
    pairs = lists.flatten()
    buckets = pairs.field("bucket").to_numpy(zero_copy_only=False).astype(np.int64)
    sketches[rows, buckets] = pairs.field("weight").to_numpy(zero_copy_only=False).astype(np.uint64)
    return sketches
