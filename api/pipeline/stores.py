"""The ops store, for as long as one step of the pipeline needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from governance.store import OpsStore
from governance.store.migrate import upgrade


@contextmanager
def opened_store(url: str) -> Iterator[OpsStore]:
    """In this version's schema; its connections are given back at the end."""
    store = OpsStore(url)
    try:
        upgrade(store)
        yield store
    finally:
        store.close()
