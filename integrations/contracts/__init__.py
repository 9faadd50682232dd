"""The data contracts: one Open Data Contract Standard (v3) YAML per table, read once.

`contract("products")` gives one; `contracts()` gives a retailer's, by table name in loading
order; `platform_contracts()` those of the tables that Steelyard writes itself.
"""

from __future__ import annotations

from integrations.contracts.loader import contract, contracts, platform_contracts, read_contract
from integrations.contracts.model import Column, Contract, Reference

__all__ = ["Column", "Contract", "Reference", "contract", "contracts", "platform_contracts", "read_contract"]
