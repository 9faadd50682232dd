"""The steps of the main job, each a function of the settings that returns plain data.

A step that finds its work done already says `unchanged: true`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.pipeline.checkpoint import code_fingerprint
from api.pipeline.models import MODELS, score_margin, train_models, train_summary
from api.pipeline.monitor import monitor_step, monitor_summary, still_watched
from api.pipeline.record import (
    measure_mark,
    measure_step,
    measure_summary,
    outcomes_are_there,
    record_step,
    record_summary,
    recorded_mark,
    tables_are_there,
)
from api.services.lineage_events import LineageEvents
from api.settings import Settings
from governance.approvals import OPEN, SETTLED, State, list_recommendations, propose, withdraw_recommendations
from governance.identity import Directory
from governance.lineage import LineageGraph, SourceFile, write_lineage
from governance.progress import Progress
from governance.releases import BuildState, ReleaseStore, build_release, project_fingerprint
from governance.store import OpsStore
from governance.store.migrate import upgrade
from models_ml.models import READS
from models_ml.recommend.inputs.tables import POSITION_TABLES

if TYPE_CHECKING:
    from models_ml.lifecycle.registry import ModelVersion
    from models_ml.lifecycle.spec import Scored

PIPELINE, TRAINER = "pipeline", "svc-trainer"  # service identities, as in the directory and the registry
_EVERYTHING = 10_000_000  # recommendations that still count are read at once
Result = dict[str, Any]


def _always(settings: Settings) -> str:
    """No fingerprint: the step itself finds out, quickly, whether anything changed."""
    return ""


@dataclass(frozen=True)
class Step:
    """`fingerprint` names the step's inputs; equal to the last run's, the result is reused."""

    name: str
    title: str
    run: Callable[[Settings, Progress], Result]
    summary: Callable[[Result], str]
    fingerprint: Callable[[Settings], str] = _always
    still_holds: Callable[[Settings, Result], bool] = lambda settings, result: True


def ingest_step(settings: Settings, report: Progress) -> Result:
    """The configured source into the landing."""
    from integrations.ingest import ingest
    from integrations.sources.named import source_named

    done = ingest(
        source_named(settings.source, planted_anomalies=settings.var_dir / "demo_truth"),
        settings.landing,
        settings.quarantine,
        progress=report,
    )
    counts = {"rows_loaded": done.rows_loaded, "rows_quarantined": done.rows_quarantined}
    return done.as_dict() | counts | {"unchanged": not done.changed}


def _ingest_summary(result: Result) -> str:
    if result["unchanged"]:
        return f"{result['source']}: nothing new"
    return f"{result['rows_loaded']:,} rows landed, {result['rows_quarantined']:,} quarantined"


def build_step(settings: Settings, report: Progress) -> Result:
    """A sealed release of the landing and the dbt project; the one that exists if nothing changed.

    What has not changed since an older release is reused from it. Raises LandingIncomplete if the
    last ingest did not reach its end.
    """
    from integrations.ingest import require_complete

    require_complete(settings.landing)
    store = ReleaseStore(settings.var_dir)
    fingerprint = _build_fingerprint(settings)
    for release in reversed(store.list()):
        if release.fingerprint == fingerprint:
            return {"release_id": release.release_id, "unchanged": True}
    return _build(settings, report, full=False)


def full_build_step(settings: Settings, report: Progress) -> Result:
    """As `build_step`, but every model is built and every test run, whatever older releases hold."""
    from integrations.ingest import require_complete

    require_complete(settings.landing)
    return _build(settings, report, full=True)


def _build(settings: Settings, report: Progress, *, full: bool) -> Result:
    store = ReleaseStore(settings.var_dir)
    release = build_release(
        store,
        project_dir=settings.project_dir,
        landing=settings.landing,
        write_lineage=_lineage_writer(settings, store),
        progress=report,
        full=full,
        memory_limit=settings.build_memory,
    )
    LineageEvents(settings).built(release)
    state, lineage = BuildState.read(release), dict(LineageGraph.load(release.lineage).facts)
    return {"release_id": release.release_id, "lineage": lineage} | (state.summary() if state else {})


def _lineage_writer(settings: Settings, store: ReleaseStore) -> Callable[[Path], object]:
    """Writes the lineage of a release in the making, from the landed files on."""
    from integrations.ingest import landed_batches

    files = [SourceFile(b.label, b.table, b.batch_id) for b in landed_batches(settings.landing)]
    earlier = store.list()
    previous = earlier[-1].lineage if earlier else None
    return partial(write_lineage, files=files, previous=previous)


def build_summary(result: Result) -> str:
    """One line: the release, how much of it was built, and how much of it was traced."""
    if result.get("unchanged"):
        return f"release {result['release_id']}: nothing changed"
    done = f"release {result['release_id']}: {len(result['models_built'])} models built"
    if result["based_on"]:
        done += f", {len(result['models_taken_over'])} taken over from {result['based_on']}"
    facts = result["lineage"]
    return f"{done}; {facts['resolved_share']:.0%} of {facts['columns']} columns traced"


def publish_step(settings: Settings, report: Progress) -> Result:
    """Let the release of the build step serve."""
    store = ReleaseStore(settings.var_dir)
    fingerprint = _build_fingerprint(settings)
    release = next(r for r in reversed(store.list()) if r.fingerprint == fingerprint)
    store.publish(release.release_id)
    return {"release_id": release.release_id}


def train_step(settings: Settings, report: Progress) -> Result:
    """Backtest, fit and register every model on the current release."""
    return train_models(settings, report)


def recommend_step(settings: Settings, report: Progress) -> Result:
    """Forecast the coming weeks with the champion and put what follows from it before people.

    If no approved model may score, the moving-average rule does, and the routing sends it to a person.
    """
    from models_ml.demand.fallback import states_by_pair
    from models_ml.demand.score import score_demand
    from models_ml.recommend.run import recommend

    release = ReleaseStore(settings.var_dir).current()
    forecasts = settings.var_dir / "forecasts" / release.release_id / "demand.parquet"
    scored = score_demand(
        warehouse=release.warehouse,
        release_id=release.release_id,
        tracking_uri=settings.mlflow_uri,
        artifact_root=settings.mlflow_artifacts,
        output=forecasts,
        progress=report,
        approved=_recorded_approval(settings),
    )
    at_risk = score_margin(settings, release, report)
    report("recommending")
    now = datetime.now(UTC)
    service = replace(Directory.load().service(PIPELINE), scopes=frozenset({"propose"}))
    request_id = f"pipeline-{release.release_id}"
    store = OpsStore(settings.ops_store_url)
    upgrade(store)
    try:
        plan = recommend(
            release.warehouse,
            forecasts,
            release.release_id,
            earlier=_open_commitments(store),
            now=now,
            proposed_by=service.actor,
        )
        withdrawn = withdraw_recommendations(
            store, plan.deduplicated.withdrawn, reason="not needed any more", now=now, request_id=request_id
        )
        states = states_by_pair(forecasts)
        plain = plan.rows.astype(object).where(plan.rows.notna(), None)
        proposed = propose(
            store,
            service,
            (_with_model_state(row, states) for row in plain.to_dict("records")),
            now=now,
            model_state="missing" if scored.fallback_reason else "champion",
            authors=(TRAINER,),
            request_id=request_id,
        )
    finally:
        store.close()
    _report_scored(settings, scored, [row.recommendation_id for row in proposed], now)
    return {
        "model": f"{scored.model_name} {scored.model_version}",
        "fallback_reason": scored.fallback_reason,
        "note": scored.note,
        "forecasts": str(scored.path),
        "forecast_rows": scored.rows,
        "margin_risk": {
            "model": f"{at_risk.model_name} {at_risk.model_version}",
            "fallback_reason": at_risk.fallback_reason,
            "scores": str(at_risk.path),
            "rows": at_risk.rows,
        },
        "considered": sum(plan.considered.values()),
        "considered_by_action": dict(plan.considered),
        "proposed": len(proposed),
        "proposed_by_action": dict(Counter(row.action for row in proposed)),
        "unchanged_held_back": plan.deduplicated.unchanged,
        "small_changes_held_back": plan.deduplicated.small,
        "changed": plan.deduplicated.changed,
        "nervousness": round(plan.deduplicated.nervousness, 4),
        "withdrawn": len(withdrawn),
        "automatic": sum(row.policy_route == "automatic" for row in proposed),
    }


def _recorded_approval(settings: Settings) -> Callable[[ModelVersion], bool]:
    """Asks the ops store, not the register, whether a version may score; a refusal is audited."""
    from api.services.model_service import ModelService

    def is_approved(version: ModelVersion) -> bool:
        store = OpsStore(settings.ops_store_url)
        try:
            return ModelService(settings, store).approved(version)
        finally:
            store.close()

    return is_approved


def _with_model_state(row: dict[Any, Any], states: dict[tuple[str, str], str]) -> dict[str, Any]:
    """The row with the state of the forecast behind it, if that is not plainly the champion's."""
    state = states.get((row["location_id"], row["product_id"]))
    drivers = row["drivers"] or "{}"
    if isinstance(drivers, str):
        drivers = json.loads(drivers)
    if state is None and drivers.get("fallback_reason"):
        state = "fallback"  # a distribution centre: the forecast of one of its stores
    return {str(name): value for name, value in row.items()} | ({"model_state": state} if state else {})


def _report_scored(settings: Settings, scored: Scored, proposed: list[str], since: datetime) -> None:
    events, release = LineageEvents(settings), scored.release_id
    features = sorted({f"feature.{table}" for table, _ in READS["demand"]()})
    model, forecast = f"model_version.{scored.model_name}/{scored.model_version}", f"forecast.{release}"
    events.ran(
        "score.demand", release, reads=[*features, model], makes=[forecast], since=since, release=release
    )
    if proposed:
        stock = [f"model.{table}" for table in POSITION_TABLES]
        makes = [f"recommendation.{key}" for key in proposed]
        key = f"{release}/{proposed[0]}"
        events.ran("recommend", key, reads=[forecast, *stock], makes=makes, since=since, release=release)


def _open_commitments(store: OpsStore) -> list[dict[str, Any]]:
    """What was proposed and decided before, except what lapsed or was measured: stock shows that by now."""
    states = OPEN | (SETTLED - {State.MEASURED})
    page = list_recommendations(store, limit=_EVERYTHING, state=states)
    return [row.as_dict() for row in page.items]


def _recommend_summary(result: Result) -> str:
    by = f"{result['forecast_rows']:,} forecasts by {result['model']}"
    why = result["fallback_reason"] or result.get("note")
    rule = f" ({why})" if why else ""
    each = ", ".join(f"{n:,} {action}" for action, n in sorted(result["proposed_by_action"].items()))
    new = f"{result['proposed']:,} new proposals ({each or 'nothing new'}), "
    new += f"{result['automatic']:,} within automatic limits"
    return f"{by}{rule}; {new}"


def _build_fingerprint(settings: Settings) -> str:
    return project_fingerprint(settings.project_dir, settings.landing)


def _serves(settings: Settings, result: Result) -> bool:
    return bool(ReleaseStore(settings.var_dir).current_id() == result["release_id"])


def _retailers_data_and_code(settings: Settings) -> str:
    """For steps that read the retailer's data of the published release with our model code.

    What the platform recorded itself is left out: it makes a new release, but neither a new model nor new
    recommendations.
    """
    from integrations.contracts import platform_contracts

    ours = platform_contracts().keys()
    data = project_fingerprint(settings.project_dir, settings.landing, without=ours)
    return f"{data}:{code_fingerprint(Path(__file__).parents[2] / 'models_ml')}"


def _champion_too(settings: Settings) -> str:
    """The above, and which model may score: a promotion or roll back makes new recommendations."""
    from models_ml.lifecycle.champion import receipt_path

    receipts = [receipt_path(settings.mlflow_artifacts, name) for name in MODELS]
    champion = "\n".join(path.read_text() if path.exists() else "none" for path in receipts)
    return f"{_retailers_data_and_code(settings)}:{hashlib.sha256(champion.encode()).hexdigest()[:16]}"


def _still_proposed(settings: Settings, result: Result) -> bool:
    """The forecasts are there, and so is what was proposed from them."""
    store = OpsStore(settings.ops_store_url)
    upgrade(store)
    try:
        first_rows = list_recommendations(store, limit=1).items
    finally:
        store.close()
    files = (result["forecasts"], result["margin_risk"]["scores"])
    return all(Path(file).exists() for file in files) and bool(first_rows or result["considered"] == 0)


STEPS: tuple[Step, ...] = (
    Step("ingest", "Ingest", ingest_step, _ingest_summary),
    Step("build", "Build", build_step, build_summary),
    Step(
        "publish",
        "Publish",
        publish_step,
        lambda r: f"serving {r['release_id']}",
        _build_fingerprint,
        _serves,
    ),
    Step("train", "Train", train_step, train_summary, _retailers_data_and_code),
    Step("monitor", "Monitor", monitor_step, monitor_summary, _champion_too, still_watched),
    Step("recommend", "Recommend", recommend_step, _recommend_summary, _champion_too, _still_proposed),
    Step("measure", "Measure", measure_step, measure_summary, measure_mark, outcomes_are_there),
    Step("record", "Record", record_step, record_summary, recorded_mark, tables_are_there),
    # The release again, with what was just recorded; if nothing was, the one that serves already.
    Step("rebuild", "Rebuild", build_step, lambda r: f"release {r['release_id']}"),
    Step(
        "republish",
        "Republish",
        publish_step,
        lambda r: f"serving {r['release_id']}",
        _build_fingerprint,
        _serves,
    ),
)
