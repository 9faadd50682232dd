"""How each KPI's number moved, by month."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from semantic.errors import SteelyardError

Answer = Callable[[str, str], Mapping[str, float | None]]
"""`answer(release_id, kpi)`: the KPI's value by month (its first day as text) in that release."""

RELATIVE = 1e-9  # below it, sums of the same rows in another order


@dataclass(frozen=True)
class MonthMove:
    """One month in which the number differs. None: no value, or no such month in that release."""

    month: str
    before: float | None
    after: float | None

    @property
    def change(self) -> float | None:
        """After less before, in the KPI's unit."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def share(self) -> float | None:
        """The change as a share of the value before; None if that was 0."""
        return None if self.change is None or not self.before else self.change / abs(self.before)


@dataclass(frozen=True)
class KpiMovement:
    """Months that moved. `problem` says why a KPI could not be compared; then there are none."""

    name: str
    months: tuple[MonthMove, ...]
    problem: str = ""


def movements(kpis: Iterable[str], before: str, after: str, answer: Answer) -> tuple[KpiMovement, ...]:
    """KPIs that moved or could not be compared; those that stayed are left out."""
    compared = [_movement(kpi, before, after, answer) for kpi in kpis]
    return tuple(m for m in compared if m.months or m.problem)


def _movement(kpi: str, before: str, after: str, answer: Answer) -> KpiMovement:
    try:
        old, new = answer(before, kpi), answer(after, kpi)
    except SteelyardError as error:
        return KpiMovement(kpi, (), error.message)
    months = [MonthMove(m, old.get(m), new.get(m)) for m in sorted(old.keys() | new.keys())]
    return KpiMovement(kpi, tuple(m for m in months if not _same(m.before, m.after)))


def _same(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=RELATIVE, abs_tol=RELATIVE) or (math.isnan(a) and math.isnan(b))
