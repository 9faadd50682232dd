"""One name that a query uses or rests on, in the spelling of the definitions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class UsedName:
    """kind: metric, dimension or entity. A dimension is named with its model's key: `customer__age_band`.

    `model` defines it, and `path` lists the entities that joins go along to reach it; both are empty for
    metrics and for metric_time.
    """

    kind: str
    name: str
    model: str = ""
    path: tuple[str, ...] = ()

    @cached_property
    def _hash(self) -> int:
        return hash((self.kind, self.name, self.model, self.path))

    def __hash__(self) -> int:
        return self._hash
