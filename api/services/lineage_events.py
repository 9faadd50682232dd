"""Reports what ran as OpenLineage events: builds, trainings, scorings, recommendations, decisions.

Reporting never stops the work: what could not be sent is logged, and decisions are sent again with the next
ones, since they are read from the audit log behind a bookmark.
"""

from __future__ import annotations

import fcntl
import json
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

from api.settings import Settings
from governance.approvals import DECISIONS, EXECUTION
from governance.disk import atomic_write
from governance.lineage import LineageGraph
from governance.lineage.emit import LineageSink
from governance.lineage.openlineage import Ran, build_runs
from governance.releases import Release
from governance.store import OpsStore, audit

_log = logging.getLogger(__name__)
_DECIDED = (*DECISIONS, *sorted(EXECUTION))
_PAUSE_SECONDS = 60


class LineageEvents:
    """One method for each thing that can be reported. Times are UTC."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.var_dir / "openlineage"
        self._settings = settings
        self._not_before = 0.0

    def built(self, release: Release) -> None:
        """Every model that dbt ran in the build of a release, with its columns' origins."""
        graph = LineageGraph.load(release.lineage)
        results = json.loads(release.run_results.read_text())
        self._sink().send(build_runs(graph, release.release_id, results))

    def ran(
        self, job: str, key: str, *, reads: Sequence[str], makes: Sequence[str], since: datetime, release: str
    ) -> None:
        """One job: what it read and made, as nodes of the lineage graph. `key` keeps its runs apart."""
        ended = datetime.now(UTC).isoformat()
        self._sink().send([Ran(job, key, reads, makes, since.isoformat(), ended, version=release)])

    def decided(self, store: OpsStore) -> int:
        """Every decision and outcome that was not reported yet; how many. Safe to call at any time.

        Returns at once if another process or thread is at it, and for a minute after a failure.
        """
        if time.monotonic() < self._not_before:
            return 0
        try:
            with self._bookmark() as bookmark:
                return 0 if bookmark is None else self._report(store, bookmark)
        except OSError as error:
            _log.warning("decisions are reported later: %s", error)
            self._not_before = time.monotonic() + _PAUSE_SECONDS
            return 0

    def _report(self, store: OpsStore, bookmark: Path) -> int:
        """Page by page; after a kill the decisions of a page are reported again, as the same runs."""
        reported, seq = 0, int(bookmark.read_text() or 0) if bookmark.exists() else 0
        actions = [f"recommendation.{name}" for name in _DECIDED]
        sink = self._sink()
        while rows := audit.read_after(store, seq, actions=actions):
            sent = list(takewhile(lambda row: sink.send([_decision(row)]), rows))
            if sent:
                reported, seq = reported + len(sent), sent[-1]["seq"]
                atomic_write(bookmark, str(seq))
            if len(sent) < len(rows):
                self._not_before = time.monotonic() + _PAUSE_SECONDS
                break
        return reported

    def _sink(self) -> LineageSink:
        if self._settings.openlineage_url:
            key = self._settings.openlineage_api_key.get_secret_value()
            return LineageSink.to_endpoint(self._settings.openlineage_url, api_key=key)
        return LineageSink.to_file(self._folder / "events.ndjson")

    @contextmanager
    def _bookmark(self) -> Iterator[Path | None]:
        """Where the last one stopped; None while somebody else holds it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
                return
            yield self._folder / "decisions.seq"


def _decision(row: dict[str, object]) -> Ran:
    """`decision.<id>` from `recommendation.<id>`; a later step (executed, measured) is an outcome of it."""
    recommendation, action = str(row["object_id"]), str(row["action"]).partition(".")[2]
    after = row["after"] if isinstance(row["after"], dict) else {}
    decision_id = after.get("decision_id") or f"{recommendation.partition('.')[2]}/{action}"
    at, key = str(row["at"]), str(row["seq"])
    return Ran(f"decision.{action}", key, [recommendation], [f"decision.{decision_id}"], at, at, "DECISION")
