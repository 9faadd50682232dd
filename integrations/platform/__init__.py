"""What Steelyard itself records, as landing tables: through contracts and ingest, like a retailer's data.

`record(state, landing, quarantine)` exports every table of `TABLES`; what did not change is not landed
again. A new table is a contract in `integrations/contracts/platform/` (from then on every landing has it,
empty) and a `PlatformTable` with its exporter in `tables`.
"""

from __future__ import annotations

from integrations.platform.export import RecordReport, is_landed, record
from integrations.platform.exporter import PlatformState, PlatformTable
from integrations.platform.tables import TABLES, platform_fingerprint

__all__ = [
    "TABLES",
    "PlatformState",
    "PlatformTable",
    "RecordReport",
    "is_landed",
    "platform_fingerprint",
    "record",
]
