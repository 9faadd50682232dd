"""Who may see and do what, what was decided, which data serve: policy, approvals, audit, lineage, releases.

`Directory` and `Principal` say who asks; `Policy` decides, by Cedar; `OpsStore` keeps what was decided;
`propose` puts recommendations forward and `decide` decides on one; `ReleaseStore` publishes data with the
definitions that they were built with. Each room has its own front door with the rest.
Names are loaded when they are first used, so that importing one room does not import them all.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from governance.approvals import Decision, Recommendation, decide, propose
    from governance.identity import Directory, Principal
    from governance.policy import Policy
    from governance.releases import Release, ReleaseStore
    from governance.store import OpsStore

_ROOMS = {
    "Decision": "approvals",
    "Directory": "identity",
    "OpsStore": "store",
    "Policy": "policy",
    "Principal": "identity",
    "Recommendation": "approvals",
    "Release": "releases",
    "ReleaseStore": "releases",
    "decide": "approvals",
    "propose": "approvals",
}

__all__ = [
    "Decision",
    "Directory",
    "OpsStore",
    "Policy",
    "Principal",
    "Recommendation",
    "Release",
    "ReleaseStore",
    "decide",
    "propose",
]


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module 'governance' has no attribute {name!r}")
    return getattr(import_module(f"governance.{_ROOMS[name]}"), name)
