"""The order book of the simulation: every order as a row of integers, in the order of placing."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

NEVER = 32_000  # a day after every day


class Kind(IntEnum):
    """Who delivers: the supplier as planned, the region's DC, the supplier in a rush, or another store."""

    SUPPLIER = 0
    FROM_DC = 1
    RUSH = 2
    FROM_STORE = 3


class OrderBook:
    """Rows are added by day; an arrival may be pulled forward later."""

    def __init__(self) -> None:
        self._blocks: list[dict[str, np.ndarray]] = []
        self._pulled: list[tuple[np.ndarray, int]] = []
        self._count = 0

    def add(
        self,
        pair: np.ndarray,
        kind: Kind,
        *,
        day: int,
        promised: np.ndarray | int,
        arrival: np.ndarray | int,
        ordered: np.ndarray,
        received: np.ndarray,
        shipped: int = NEVER,
        source: np.ndarray | int = -1,
    ) -> np.ndarray:
        """Record one order per pair; returns row numbers. `received` is what will arrive of `ordered`.

        `source` is the pair that gives, of a transfer.
        """
        columns = {
            "pair": pair, "ordered_day": day, "promised_day": promised, "arrival_day": arrival,
            "ordered": ordered, "received": received, "kind": int(kind), "shipped_day": shipped,
            "source": source,
        }  # fmt: skip
        n = len(pair)
        self._blocks.append(
            {k: np.broadcast_to(np.asarray(v, np.int32), n).copy() for k, v in columns.items()}
        )
        self._count += n
        return np.arange(self._count - n, self._count)

    def pull_forward(self, rows: np.ndarray, day: int) -> None:
        """These orders arrive on `day` instead."""
        self._pulled.append((rows, day))

    def columns(self) -> dict[str, np.ndarray]:
        """All orders, one array per column."""
        table = {k: np.concatenate([block[k] for block in self._blocks]) for k in self._blocks[0]}
        for rows, day in self._pulled:
            table["arrival_day"][rows] = day
        return table
