"""What Steelyard itself records, as landing tables: through contracts and the door, like a retailer's data.

`record(recorded, landing, quarantine)` exports every table of `TABLES`; what did not change is not landed
again. A new table is a contract in `integrations/contracts/platform/` (from then on every landing has it,
empty) and a `PlatformTable` with its exporter in `tables`.
"""

from __future__ import annotations

from integrations.platform.export import RecordReport, is_landed, record
from integrations.platform.exporter import PlatformTable, Recorded
from integrations.platform.tables import TABLES, mark

__all__ = ["TABLES", "PlatformTable", "RecordReport", "Recorded", "is_landed", "mark", "record"]
