"""The time zone of a retailer's days, declared in the `meta` of the dbt model of the time spine.

    config: {meta: {steelyard: {time_zone: America/New_York}}}

It decides on which day an instant with a zone falls (TIMESTAMPTZ columns, `NOW()`), so it is part of the
release: one release gives one answer, whatever zone the machine is in. Days and local times have no zone and
are not moved. Without a declaration it is UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import ManifestError

UTC = "UTC"


def time_zone_of(nodes: Iterable[Mapping[str, Any]]) -> str:
    """The time zone that the models of dbt's manifest declare. Raises ManifestError if they differ.

    >>> spine = {"name": "days", "config": {"meta": {"steelyard": {"time_zone": "Asia/Tokyo"}}}}
    >>> time_zone_of([spine]), time_zone_of([])
    ('Asia/Tokyo', 'UTC')
    """
    declared: dict[str, str] = {}
    for node in nodes:
        own = ((node.get("config") or {}).get("meta") or {}).get("steelyard")
        if isinstance(own, Mapping) and own.get("time_zone") is not None:
            declared.setdefault(str(own["time_zone"]), str(node.get("name")))
    if len(declared) > 1:
        raise ManifestError(
            f"Several time zones are declared: {', '.join(f'{z} by {m}' for z, m in declared.items())}.",
            hint="Declare `meta.steelyard.time_zone` once, on the model of the time spine.",
        )
    return next(iter(declared), UTC)
