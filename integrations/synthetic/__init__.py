"""A synthetic retailer of any size in the contract's tables, written by DuckDB SQL alone.

Every value is a function of the row's number and the seed, so rows stream: memory stays bounded at any size.
"""

from __future__ import annotations

from integrations.synthetic.retailer import Size, write_retailer

__all__ = ["Size", "write_retailer"]
