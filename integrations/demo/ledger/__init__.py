"""The derived ledger: stock, suppliers, orders, costs and cash around the demo's recorded sales.

Seeded, vectorised over product-locations, conserved unit by unit. Recorded sales are never altered.
`simulate` writes one Parquet file per table of `LEDGER_TABLES` in the contract's columns.
"""

from __future__ import annotations

from integrations.demo.ledger.parameters import Parameters
from integrations.demo.ledger.simulate import LEDGER_TABLES, simulate

__all__ = ["LEDGER_TABLES", "Parameters", "simulate"]
