"""The closing of a run: what the release can do with the data that came."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from api.pipeline.results import MonitorResult, RecommendResult, StepResult, TrainResult
from api.pipeline.runner import StepReport
from api.services.capabilities import (
    Capabilities,
    Capability,
    State,
    unlocks,
    write_capabilities,
)
from api.settings import Settings
from governance.releases import ReleaseStore
from integrations.contracts import contracts
from integrations.ingest import missing_needs
from models_ml.recommend.kind import Kind
from models_ml.recommend.kinds import KINDS
from semantic import SemanticLayer, metric_needs

SUPPORTING = "supporting"  # certification of metrics that only others are made of
FORECASTS = "demand_forecasts"
R = TypeVar("R", bound=StepResult)


@dataclass(frozen=True)
class Kpi:
    """Who owns a metric, and the tables and columns without which it is empty."""

    owner: str
    needs: tuple[str, ...] = ()


def find_capabilities(settings: Settings, reports: Iterable[StepReport]) -> Capabilities:
    """What runs, runs on a fallback or waits, by the release that serves and the steps of its run.

    Written beside the steps' results for those who read it later. Raises ReleaseNotFoundError.
    """
    release = ReleaseStore(settings.var_dir).current()
    catalog = SemanticLayer.from_manifest(release.semantic_manifest).catalog
    kpis = {
        metric.name: Kpi(str(metric.meta.get("owner", "")), metric_needs(catalog, metric.name))
        for metric in catalog.metrics.values()
        if metric.meta.get("certification") != SUPPORTING
    }
    wanted = {need for kpi in kpis.values() for need in kpi.needs}
    wanted |= {need for kind in KINDS for need in (*kind.needs, *dict(kind.assumes))}
    missing = missing_needs(settings.landing, wanted)
    judged = judge(release.release_id, kpis, missing, {report.step: report for report in reports})
    write_capabilities(settings, judged)
    return judged


def judge(
    release_id: str, kpis: Mapping[str, Kpi], missing: Collection[str], steps: Mapping[str, StepReport]
) -> Capabilities:
    """The capabilities by what the KPIs need, what of it is `missing`, and the steps' reports by name."""
    waiting = {name: [need for need in kpi.needs if need in missing] for name, kpi in kpis.items()}
    waiting = {name: needs for name, needs in waiting.items() if needs}
    models = _scoring(steps)
    capabilities = [
        *_kpi_groups(kpis, waiting),
        *models,
        _drift(steps),
        *(_kind(kind, missing, models[0]) for kind in KINDS),
    ]
    brought = [need for need in sorted(missing) if need.partition(".")[0] in contracts()]
    return Capabilities(
        release_id=release_id,
        capabilities=capabilities,
        metrics=waiting,
        unlocks=unlocks(brought, waiting, capabilities),
    )


def _kpi_groups(kpis: Mapping[str, Kpi], waiting: Mapping[str, list[str]]) -> list[Capability]:
    """A capability for the KPIs of each owner: it waits if none of them has its data."""
    groups = []
    for owner in sorted({kpi.owner for kpi in kpis.values()}):
        names = [name for name, kpi in kpis.items() if kpi.owner == owner]
        without = [name for name in names if name in waiting]
        needs = sorted({need for name in without for need in waiting[name]})
        state: State = "waits" if len(without) == len(names) else "runs"
        reason = f"{len(without)} of {len(names)} KPIs wait for {', '.join(needs)}" if without else ""
        groups.append(
            Capability(
                name=f"kpis_{owner.replace(' ', '_')}",
                title=f"KPIs of {owner}",
                state=state,
                reason=reason,
                waits_for=needs if state == "waits" else [],
            )
        )
    return groups


def _scoring(steps: Mapping[str, StepReport]) -> list[Capability]:
    """Demand forecasts first, then every other model that scored; what did not run says why."""
    result = _result(steps, "recommend", RecommendResult)
    if result is None:
        return [_not_run(FORECASTS, "Demand forecasts", steps.get("recommend"))]
    trained = _result(steps, "train", TrainResult)
    untrained = trained.waits if trained is not None else {}
    demand = untrained.get("demand") or result.fallback_reason
    rows = [_scored(FORECASTS, "Demand forecasts", result.forecast_rows, demand)]
    for name, one in result.scores.items():
        rows.append(_scored(name, _title(name), one.rows, untrained.get(name) or one.fallback_reason))
    return rows


def _scored(name: str, title: str, rows: int, reason: str) -> Capability:
    if not rows:
        why = reason or "nothing sells often enough"
        return Capability(name=name, title=title, state="waits", reason=why)
    return Capability(name=name, title=title, state="fallback" if reason else "runs", reason=reason)


def _drift(steps: Mapping[str, StepReport]) -> Capability:
    name, title = "drift", "Drift monitoring"
    if _result(steps, "monitor", MonitorResult) is None:
        return _not_run(name, title, steps.get("monitor"))
    return Capability(name=name, title=title, state="runs")


def _not_run(name: str, title: str, report: StepReport | None) -> Capability:
    if report is None:
        return Capability(name=name, title=title, state="waits", reason="has not run yet")
    reason = report.error.message if report.error else report.reason
    return Capability(name=name, title=title, state="waits", reason=reason)


def _kind(kind: Kind, missing: Collection[str], forecasts: Capability) -> Capability:
    name, title = kind.action, f"Recommend: {kind.action}"
    lacking = [need for need in kind.needs if need in missing]
    if lacking:
        reason = f"waits for {', '.join(lacking)}"
        return Capability(name=name, title=title, state="waits", reason=reason, waits_for=lacking)
    assumed = [f"{what} is assumed until {need} comes" for need, what in kind.assumes if need in missing]
    if FORECASTS in kind.needs and forecasts.state == "fallback":
        assumed.insert(0, f"forecasts by the rule: {forecasts.reason}")
    return Capability(
        name=name, title=title, state="fallback" if assumed else "runs", reason="; ".join(assumed)
    )


def _result(steps: Mapping[str, StepReport], step: str, kind: type[R]) -> R | None:
    report = steps.get(step)
    return report.result if report is not None and isinstance(report.result, kind) else None


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
