"""The groups that each reader was shown, kept in the ops store: one history for all processes."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence

import numpy as np
from sqlalchemy import func, insert, select

from governance.disclosure.disclosed import Disclosure, DisclosureHistory
from governance.store.engine import OpsStore
from governance.store.schema import shown_groups

MOST_GROUPS = 20_000
"""Of one reader and fact. Beyond, only groups that were shown before are shown."""


class StoredHistory:
    """Reads and extends `shown_groups`. It holds sums of hashes: no household, no figure."""

    def __init__(self, store: OpsStore) -> None:
        self._store = store

    def is_full(self, history: DisclosureHistory) -> bool:
        return len(history) >= MOST_GROUPS

    def refresh(self, history: DisclosureHistory, reader: str, model: str) -> None:
        """Learn what was shown to the reader since the last look, by whatever process."""
        table = shown_groups
        query = select(table.c.number, table.c.sketch, table.c.is_shown).where(
            table.c.reader == reader, table.c.model == model, table.c.number > history.newest
        )
        with self._store.read() as conn:
            for row in conn.execute(query.order_by(table.c.number)):
                history.add(Disclosure(np.frombuffer(bytes(row.sketch), dtype=np.uint64), row.is_shown))
                history.newest = int(row.number)

    def add(
        self,
        history: DisclosureHistory,
        reader: str,
        model: str,
        groups: Sequence[Disclosure],
        *,
        now: dt.datetime,
    ) -> bool:
        """Record groups about to be shown. False, and nothing recorded, if the history grew meanwhile."""
        table = shown_groups
        readers_rows = (table.c.reader == reader, table.c.model == model)
        with self._store.write() as transaction:
            newest = (
                transaction.conn.execute(select(func.max(table.c.number)).where(*readers_rows)).scalar() or 0
            )
            if newest > history.newest:
                return False
            last = transaction.conn.execute(select(func.max(table.c.number))).scalar() or 0
            rows = [
                {
                    "number": last + n,
                    "reader": reader,
                    "model": model,
                    "fingerprint": hashlib.sha256(group.sketch.tobytes()).hexdigest(),
                    "sketch": group.sketch.tobytes(),
                    "is_shown": group.is_shown,
                    "shown_at": now,
                }
                for n, group in enumerate(groups, start=1)
            ]
            transaction.conn.execute(insert(table), rows)
            transaction.touch(table, *(row["number"] for row in rows))
        for group in groups:
            history.add(group)
        history.newest = last + len(rows)
        return True
