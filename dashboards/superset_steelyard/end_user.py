"""Who is looking. Only code of this process can say so: connection settings are JSON and hold no objects."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EndUser:
    """The person whose rights hold for a connection, and the release that their page is pinned to.

    A class of its own, so that nothing an administrator can type into a connection form (all of it JSON)
    can stand for somebody. `release` None is whatever is published when the query runs.
    """

    name: str
    release: str | None = None
