"""The one door: contract check, quarantine, landing by batch.

`ingest(source, landing, quarantine)` brings a source in; `IngestReport` says what happened, as plain data;
`landed_batches` and `rejects` tell the history.
"""

from __future__ import annotations

from integrations.ingest.door import ingest
from integrations.ingest.history import Reject, landed_batches, rejects
from integrations.ingest.report import IngestReport, TableReport

__all__ = ["IngestReport", "Reject", "TableReport", "ingest", "landed_batches", "rejects"]
