"""The one door: contract check, quarantine, landing by batch.

`ingest(source, landing, quarantine)` brings a source in; `IngestReport` says what happened, as plain data.
"""

from __future__ import annotations

from integrations.ingest.door import ingest
from integrations.ingest.report import IngestReport, TableReport

__all__ = ["IngestReport", "TableReport", "ingest"]
