"""What every test of a shape shares: the shape, its run once a module, and what must hold for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.retailers.books import KPIS, books_of
from tests.retailers.pipeline import Run, run_retailer
from tests.retailers.shop import Tables, write_tables

KINDS = ("transfer", "reorder", "investigate", "expedite", "cancel", "defer", "markdown")
SALES_ALONE = {
    "kpis_commercial_analytics": "runs",
    "kpis_customer_analytics": "runs",
    "kpis_inventory_planning": "waits",
    "kpis_supply_chain": "waits",
    "demand_forecasts": "fallback",
    "margin_risk": "fallback",
    "drift": "runs",
    **dict.fromkeys(KINDS, "waits"),
}
"""Of products with a cost, locations, and sales lines with customers, over twenty weeks: too few to train."""
EVERYTHING = SALES_ALONE | {
    "kpis_inventory_planning": "runs",
    "transfer": "fallback",
    "reorder": "fallback",
    "investigate": "runs",
    "markdown": "fallback",
}
"""With stock, suppliers, promotions and customers too, but without orders; forecasts are the rule's."""


@dataclass(frozen=True)
class Shape:
    """A retailer, the state of each of its capabilities as a person would write it, KPIs that wait, each with
    what it waits for, and its `retailer.yaml` if it has one."""

    tables: Callable[[], Tables]
    states: Mapping[str, str]
    waits: Mapping[str, str] = field(default_factory=dict)
    retailer: str = ""


@dataclass(frozen=True)
class Ran:
    """A shape, its raw files, and what the pipeline made of them."""

    shape: Shape
    folder: Path
    run: Run


def run_shapes(root: Path, shapes: Mapping[str, Shape], folders: Mapping[str, Path]) -> Callable[[str], Ran]:
    """Runs a shape when it is first asked for. One after another is in the same state folder, so that dbt
    parses the project once; `folders` are of shapes whose files are there already."""
    done: dict[str, Ran] = {}

    def once(name: str) -> Ran:
        if name not in done:
            folder = folders.get(name) or write_tables(shapes[name].tables(), root / name)
            if shapes[name].retailer:
                (folder / "retailer.yaml").write_text(shapes[name].retailer)
            with pytest.MonkeyPatch.context() as patch:
                done[name] = Ran(shapes[name], folder, run_retailer(folder, root / "var", patch=patch))
        return done[name]

    return once


def check_steps(ran: Ran) -> None:
    """No step failed, and none is missing."""
    assert [report.summary for report in ran.run.reports if report.state == "failed"] == []
    assert {report.step for report in ran.run.reports} >= {"ingest", "train", "recommend", "republish"}


def check_numbers(ran: Ran) -> None:
    """Every KPI by month is that of the raw files, to the cent."""
    books = books_of(ran.folder)
    assert books["net_sales"] and books["units_sold"]
    for kpi in KPIS:
        assert ran.run.kpis[kpi] == pytest.approx(books[kpi], abs=0.005), kpi


def check_states(ran: Ran) -> None:
    """What runs and what waits is what the shape says, with a reason for all that does not plainly run."""
    capabilities = ran.run.capabilities
    states = {one.name: one.state for one in capabilities.capabilities}
    assert {name: states[name] for name in ran.shape.states} == ran.shape.states
    assert all(one.reason for one in capabilities.capabilities if one.state != "runs")
    assert {kpi: need in capabilities.metrics.get(kpi, ()) for kpi, need in ran.shape.waits.items()} == (
        dict.fromkeys(ran.shape.waits, True)
    )


def check_waiting_is_empty(ran: Ran) -> None:
    """A KPI that waits shows no number, but for a rate of what nobody recorded."""
    assert set(ran.run.capabilities.metrics) - ran.run.empty <= {"return_rate"}


CHECKS = (check_steps, check_numbers, check_states, check_waiting_is_empty)
