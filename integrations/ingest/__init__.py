"""How data comes in: contract check, quarantine, landing by batch.

`ingest(source, landing, quarantine)` loads a source; `IngestReport` says what happened, as plain data;
`landed_batches` and `rejects` are the history; `require_complete` keeps half a source out of a release;
`check_landing` reads every batch against its hashes; `missing_needs` says which tables and columns nobody
brought.
"""

from __future__ import annotations

from integrations.ingest.batch_seal import LandingReport, check_landing
from integrations.ingest.completeness import landing_is_complete, require_complete, require_sales
from integrations.ingest.history import HistoryReport, Reject, history_report, landed_batches, rejects
from integrations.ingest.landing import only_writer
from integrations.ingest.presence import missing_needs
from integrations.ingest.report import IngestReport, TableReport
from integrations.ingest.run import ingest

__all__ = [
    "HistoryReport",
    "IngestReport",
    "LandingReport",
    "Reject",
    "TableReport",
    "check_landing",
    "history_report",
    "ingest",
    "landed_batches",
    "landing_is_complete",
    "missing_needs",
    "only_writer",
    "rejects",
    "require_complete",
    "require_sales",
]
