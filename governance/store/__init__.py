"""The ops store: what people and services decided, kept apart from what dbt can rebuild.

`OpsStore(url)` opens SQLite or PostgreSQL, `.migrate()` brings it to this version's schema, `.write()`
is one serialised transaction whose audit rows are anchored on commit, `.read()` a consistent snapshot.
"""

from governance.store.engine import OpsStore, Transaction
from governance.store.pages import Page
from governance.store.recommendations import (
    expire_due,
    find_recommendation,
    list_recommendations,
    propose_recommendations,
    withdraw_recommendations,
)
from governance.store.records import ACTIONS, OPEN_STATES, STATES, Recommendation

__all__ = [
    "ACTIONS",
    "OPEN_STATES",
    "STATES",
    "OpsStore",
    "Page",
    "Recommendation",
    "Transaction",
    "expire_due",
    "find_recommendation",
    "list_recommendations",
    "propose_recommendations",
    "withdraw_recommendations",
]
