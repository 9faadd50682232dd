"""One retailer through every step of the main job, in this process, and what came of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.errors import StepFailedError, StepWaitsError
from api.pipeline import runner
from api.pipeline.capabilities import find_capabilities
from api.pipeline.runner import StepReport, run_pipeline
from api.pipeline.step_process import Outcome
from api.services.capabilities import Capabilities
from api.services.metric_service import MetricService
from api.settings import Settings
from governance.releases import ReleaseStore
from semantic import MetricQuery
from semantic.errors import SteelyardError
from tests.retailers.books import KPIS, Books


@dataclass(frozen=True)
class Run:
    """Reports of the steps, what runs and what waits, KPIs by month, and the metrics without any value."""

    reports: tuple[StepReport, ...]
    capabilities: Capabilities
    kpis: Books
    empty: frozenset[str]


def run_retailer(folder: Path, var_dir: Path, *, patch: pytest.MonkeyPatch, **settings: Any) -> Run:
    """Run everything on `folder`, with the state in `var_dir`; what dbt parsed there before is used again.

    A process a step costs more than the steps of a small shop do: here they share this one.
    """
    _start_anew(var_dir)
    patch.setattr(runner, "run_in_subprocess", _in_this_process)
    state = Settings(var_dir=var_dir, source=str(folder), **settings)
    reports = tuple(run_pipeline(state))
    failed = [report for report in reports if report.state == "failed"]
    if ReleaseStore(var_dir).current_id() is None:
        pytest.fail(f"no release: {[report.summary for report in failed]}")
    capabilities = find_capabilities(state, reports)
    service = MetricService(ReleaseStore(var_dir), state)
    try:
        return Run(reports, capabilities, _by_month(service), _empty(service))
    finally:
        service.close()


def _start_anew(var_dir: Path) -> None:
    for path in var_dir.glob("*") if var_dir.exists() else ():
        if path.name != "cache":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _in_this_process(
    function: Callable[..., Any], arguments: tuple[Any, ...], report: Any, log: Path | None = None
) -> Outcome[Any]:
    """As a step in a process of its own ends, but for a crash, which the test should see in full."""
    try:
        return Outcome(function(*arguments, report), 0.0, 0)
    except StepWaitsError:
        raise
    except SteelyardError as error:
        raise StepFailedError(error.message, hint=error.hint, code=error.code) from error


def _by_month(service: MetricService) -> Books:
    books: Books = {}
    for kpi in KPIS:
        query = MetricQuery(metrics=[kpi], group_by=["metric_time__month"])
        rows = service.answer(query, None).as_dict()["rows"]
        books[kpi] = {str(month)[:7]: float(value) for month, value in rows if value}
    return books


def _empty(service: MetricService) -> frozenset[str]:
    """Metrics that have no value in any year of the data."""
    names = [metric.name for metric in service.opened().layer.metrics()]
    empty: set[str] = set()
    for at in range(0, len(names), 20):
        part = names[at : at + 20]
        query = MetricQuery(metrics=part, group_by=["metric_time__year"])
        rows = service.answer(query, None).as_dict()["rows"]
        empty |= {name for n, name in enumerate(part, 1) if all(row[n] is None for row in rows)}
    return frozenset(empty)
