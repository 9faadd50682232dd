"""Customers under names that tell nothing: raw keys become pseudonyms as they are landed.

`PseudonymTable` keeps who has which, in a folder of its own outside landing and releases; `person_column`
says which column of a contract names a customer; `with_pseudonyms` replaces it in rows about to be landed.
"""

from __future__ import annotations

from integrations.pseudonyms.columns import ERASED, Treatment, person_column, person_tables, treatment
from integrations.pseudonyms.relation import WithPseudonyms, with_pseudonyms
from integrations.pseudonyms.table import PseudonymTable

__all__ = [
    "ERASED",
    "PseudonymTable",
    "Treatment",
    "WithPseudonyms",
    "person_column",
    "person_tables",
    "treatment",
    "with_pseudonyms",
]
