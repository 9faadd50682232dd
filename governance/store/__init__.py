"""The ops store: what people and services decided, kept apart from what dbt can rebuild.

`OpsStore(url)` opens SQLite or PostgreSQL, `migrate.upgrade(store)` brings it to this version's schema,
`.write()` is one serialised transaction whose audit rows are anchored on commit, `.read()` a consistent
snapshot. `audit` is the chain of what was done.
"""

from governance.store.engine import OpsStore, Transaction
from governance.store.pages import Page

__all__ = ["OpsStore", "Page", "Transaction"]
