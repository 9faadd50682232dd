"""How data comes in: contract check, quarantine, landing by batch.

`ingest(source, landing, quarantine)` loads a source; `IngestReport` says what happened, as plain data;
`landed_batches` and `rejects` are the history; `require_complete` keeps half a source out of a release.
"""

from __future__ import annotations

from integrations.ingest.completeness import landing_is_complete, require_complete
from integrations.ingest.history import HistoryReport, Reject, history_report, landed_batches, rejects
from integrations.ingest.report import IngestReport, TableReport
from integrations.ingest.run import ingest

__all__ = [
    "HistoryReport",
    "IngestReport",
    "Reject",
    "TableReport",
    "history_report",
    "ingest",
    "landed_batches",
    "landing_is_complete",
    "rejects",
    "require_complete",
]
