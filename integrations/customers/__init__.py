"""A customer's rights: what is held of one, erasure from all that was landed, and retention by table.

`customer_records` is everything of one customer; `note_erasure` and `apply_erasures` erase; `expire` takes
customers out of rows that are older than their table may be.
"""

from __future__ import annotations

from integrations.customers.erasure import ErasedRows, apply_erasures, erasures_in, note_erasure
from integrations.customers.records import customer_records
from integrations.customers.retention import Retention, expire, expired_rows

__all__ = [
    "ErasedRows",
    "Retention",
    "apply_erasures",
    "customer_records",
    "erasures_in",
    "expire",
    "expired_rows",
    "note_erasure",
]
