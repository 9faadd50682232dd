"""What crosses the wire: definitions as the API gives them, and settings as Superset keeps them."""

from __future__ import annotations

from typing import TypedDict

Json = dict[str, object]
"""An object of JSON or YAML. What Superset keeps has hundreds of keys, so it is not typed further."""


class Metric(TypedDict, total=False):
    """A metric of `/v1/metrics`. Always there: `name`."""

    name: str
    label: str | None
    description: str | None
    unit: str | None
    direction: str | None
    target: float | None
    certification: str | None
    owner: str | None
    is_simulated: bool
    waits_for: list[str]


class Dimension(TypedDict, total=False):
    """A dimension of `/v1/dimensions`. Always there: `name`."""

    name: str
    label: str | None
    description: str | None
    type: str | None
