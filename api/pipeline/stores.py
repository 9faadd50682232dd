"""The ops store, for as long as one step of the pipeline needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from api.services.ops_store import open_ops_store
from api.settings import Settings
from governance.store import OpsStore


@contextmanager
def opened_store(settings: Settings) -> Iterator[OpsStore]:
    """In this version's schema, its audit sealed; its connections are given back at the end."""
    store = open_ops_store(settings)
    try:
        yield store
    finally:
        store.close()
