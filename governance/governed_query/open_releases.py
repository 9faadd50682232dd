"""Releases that are open: opened on demand, the last few kept, a new one seen on the next call."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from governance.policy.tagged_catalog import TaggedCatalog
from governance.releases import Release, ReleaseCorruptError, ReleaseStore
from semantic import Engine, SemanticLayer

_log = logging.getLogger("steelyard.governance")
_KEPT_OPEN = 3


@dataclass(frozen=True)
class QueryLimits:
    """What one query may take; see `semantic.Engine`. `memory` in DuckDB's syntax, e.g. "2GB".

    `isolated`: queries run in a process of their own, which is ended if a query does not stop: for servers.
    """

    max_rows: int = 100_000
    timeout_seconds: float = 30.0
    memory: str = "2GB"
    isolated: bool = False


@dataclass(frozen=True)
class OpenRelease:
    """A release ready to answer."""

    release: Release
    layer: SemanticLayer
    engine: Engine
    tags: TaggedCatalog


class OpenReleases:
    """Opens releases of one store, each with an engine within the limits. Safe to share between threads."""

    def __init__(self, releases: ReleaseStore, limits: QueryLimits) -> None:
        self._releases = releases
        self._limits = limits
        self._open: OrderedDict[str, OpenRelease] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, release_id: str | None = None) -> OpenRelease:
        """The release of that name, or the current one; if that is damaged, the last good one before it.

        Raises ReleaseNotFoundError or ReleaseCorruptError.
        """
        if release_id is not None:
            return self._opened(release_id)
        try:
            return self._opened(self._releases.current_id() or self._releases.current().release_id)
        except ReleaseCorruptError as refused:
            last_good = self._releases.serving().release_id
            if last_good == self._releases.current_id():  # its seal holds, and yet it cannot be opened
                raise
            _log.error("%s; %s answers", refused.message, last_good)
            return self._opened(last_good)

    def close(self) -> None:
        """Give the warehouses back."""
        with self._lock:
            for opened in self._open.values():
                opened.engine.close()
            self._open.clear()

    def _opened(self, wanted: str) -> OpenRelease:
        with self._lock:
            if wanted in self._open and self._open[wanted].release.path.exists():
                self._open.move_to_end(wanted)
                return self._open[wanted]
            self._open.pop(wanted, None)  # a file that was removed can be read on while it is open
            release = self._releases.get(wanted)
            opened = self._load(release)
            self._open[release.release_id] = opened
            while len(self._open) > _KEPT_OPEN:
                self._open.popitem(last=False)
            return opened

    def _load(self, release: Release) -> OpenRelease:
        limits = self._limits
        catalog = SemanticLayer.from_manifest(release.semantic_manifest).catalog
        engine = _engine_class(isolated=limits.isolated)(
            release.warehouse,
            max_rows=limits.max_rows,
            timeout_seconds=limits.timeout_seconds,
            memory_limit=limits.memory,
            time_zone=catalog.time_zone,
        )
        built = datetime.fromisoformat(release.created_at).astimezone(ZoneInfo(catalog.time_zone)).date()
        layer = SemanticLayer(catalog, engine.statistics(catalog), engine.as_of_day(catalog, built))
        return OpenRelease(release, layer, engine, TaggedCatalog.from_manifest(release.semantic_manifest))


def _engine_class(*, isolated: bool) -> type[Engine]:
    """A command needs no process for its one query, nor what starts it."""
    if not isolated:
        return Engine
    from governance.governed_query.isolated_engine import IsolatedEngine

    return IsolatedEngine
