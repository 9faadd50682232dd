"""Forecast the coming weeks with the champions, and put what follows from it before people."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from api.pipeline.models import score_models
from api.pipeline.results import ModelScores, RecommendResult
from api.pipeline.stores import opened_store
from api.services.lineage_events import LineageEvents
from api.settings import Settings
from governance.approvals import (
    OPEN,
    SETTLED,
    Recommendation,
    State,
    list_recommendations,
    propose,
    withdraw_recommendations,
)
from governance.identity import Directory
from governance.progress import Progress
from governance.releases import Release, ReleaseStore
from governance.store import OpsStore
from models_ml.recommend.inputs.tables import POSITION_TABLES

if TYPE_CHECKING:
    from models_ml.lifecycle.registry import ModelVersion
    from models_ml.lifecycle.spec import Scored
    from models_ml.recommend.run import Recommended

FORECASTS = "demand"  # the model whose scores recommendations are made from
PIPELINE, TRAINER = "pipeline", "svc-trainer"  # service identities, as in the directory and the registry
_EVERYTHING = 10_000_000  # recommendations that still count are read at once


@dataclass(frozen=True)
class _Proposed:
    """One run's plan, what of it is new in the ops store, and how many open ones it withdrew."""

    plan: Recommended
    new: list[Recommendation]
    withdrawn: int


def recommend_step(settings: Settings, report: Progress) -> RecommendResult:
    """Score every model on the current release, and propose what follows from the forecasts.

    If no approved model may score, the moving-average rule does, and the routing sends it to a person.
    """
    release = ReleaseStore(settings.var_dir).current()
    scores = score_models(settings, release, report, _recorded_approval(settings))
    scored = scores[FORECASTS]
    report("recommending")
    now = datetime.now(UTC)
    with opened_store(settings) as store:
        proposed = _propose(store, release, scored, now)
    _report_recommended(settings, scored, [row.recommendation_id for row in proposed.new], now)
    return _result(scored, scores, proposed)


def still_proposed(settings: Settings, result: RecommendResult) -> bool:
    """The forecasts are there, and so is what was proposed from them."""
    with opened_store(settings) as store:
        first_rows = list_recommendations(store, limit=1).items
    files = (result.forecasts, *(other.scores for other in result.scores.values()))
    return all(file.exists() for file in files) and bool(first_rows or result.considered == 0)


def _recorded_approval(settings: Settings) -> Callable[[ModelVersion], bool]:
    """Asks the ops store, not the registry, whether a version may score; a refusal is audited."""
    from api.services.model_service import ModelService

    def is_approved(version: ModelVersion) -> bool:
        with opened_store(settings) as store:
            return ModelService(settings, store).approved(version)

    return is_approved


def _propose(store: OpsStore, release: Release, scored: Scored, now: datetime) -> _Proposed:
    from models_ml.demand.fallback import states_by_pair
    from models_ml.recommend.run import recommend

    service = replace(Directory.load().service(PIPELINE), scopes=frozenset({"propose"}))
    request_id = f"pipeline-{release.release_id}"
    plan = recommend(
        release.warehouse,
        scored.path,
        release.release_id,
        earlier=_open_commitments(store),
        now=now,
        proposed_by=service.actor,
    )
    withdrawn = withdraw_recommendations(
        store, plan.deduplicated.withdrawn, reason="not needed any more", now=now, request_id=request_id
    )
    states = states_by_pair(scored.path)
    rows = plan.rows.astype(object).where(plan.rows.notna(), None).to_dict("records")
    new = propose(
        store,
        service,
        (_with_model_state({str(name): value for name, value in row.items()}, states) for row in rows),
        now=now,
        model_state="missing" if scored.fallback_reason else "champion",
        authors=(TRAINER,),
        request_id=request_id,
    )
    return _Proposed(plan, new, len(withdrawn))


def _open_commitments(store: OpsStore) -> list[dict[str, object]]:
    """What was proposed and decided before, except what lapsed or was measured: stock shows that by now."""
    states = OPEN | (SETTLED - {State.MEASURED})
    page = list_recommendations(store, limit=_EVERYTHING, state=states)
    return [row.as_dict() for row in page.items]


def _with_model_state(
    row: Mapping[str, object], states: Mapping[tuple[str, str], str]
) -> Mapping[str, object]:
    """The row with the state of the forecast behind it, if that is not plainly the champion's."""
    state = states.get((str(row["location_id"]), str(row["product_id"])))
    drivers = row["drivers"] or {}
    if isinstance(drivers, str):
        drivers = json.loads(drivers)
    if state is None and isinstance(drivers, dict) and drivers.get("fallback_reason"):
        state = "fallback"  # a distribution centre: the forecast of one of its stores
    return {**row, "model_state": state} if state else row


def _report_recommended(settings: Settings, scored: Scored, proposed: list[str], since: datetime) -> None:
    if proposed:
        release = scored.release_id
        reads = [f"forecast.{release}", *(f"model.{table}" for table in POSITION_TABLES)]
        makes = [f"recommendation.{key}" for key in proposed]
        LineageEvents(settings).ran(
            "recommend", f"{release}/{proposed[0]}", reads=reads, makes=makes, since=since, release=release
        )


def _result(scored: Scored, scores: Mapping[str, Scored], proposed: _Proposed) -> RecommendResult:
    deduplicated = proposed.plan.deduplicated
    return RecommendResult(
        model=f"{scored.model_name} {scored.model_version}",
        fallback_reason=scored.fallback_reason,
        note=scored.note,
        forecasts=Path(scored.path),
        forecast_rows=scored.rows,
        scores={name: _model_scores(other) for name, other in scores.items() if name != FORECASTS},
        considered=sum(proposed.plan.considered.values()),
        considered_by_action=dict(proposed.plan.considered),
        proposed=len(proposed.new),
        proposed_by_action=dict(Counter(row.action for row in proposed.new)),
        unchanged_held_back=deduplicated.unchanged,
        small_changes_held_back=deduplicated.small,
        changed=deduplicated.changed,
        nervousness=round(deduplicated.nervousness, 4),
        withdrawn=proposed.withdrawn,
        automatic=sum(row.policy_route == "automatic" for row in proposed.new),
    )


def _model_scores(scored: Scored) -> ModelScores:
    return ModelScores(
        model=f"{scored.model_name} {scored.model_version}",
        fallback_reason=scored.fallback_reason,
        scores=scored.path,
        rows=scored.rows,
    )
