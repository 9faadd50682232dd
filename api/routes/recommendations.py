"""`/v1/recommendations`: what is proposed, and what people decide."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, BackgroundTasks, Header, Path, Query, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema

from api.deps import CurrentUser, Decider, RequestId, ServicesDep
from api.problems import document
from api.services.decision_report import DecisionReport, decision_report
from api.services.former_names import RECORD, with_former_names
from api.services.impact_service import Impact, impact_of
from api.services.json_encoding import json_document
from governance.approvals import (
    ACTIONS,
    OPEN,
    State,
    decide,
    find_recommendation,
    list_recommendations,
)

router = APIRouter(prefix="/v1/recommendations", tags=["recommendations"])
Id = Annotated[str, Path(max_length=64)]
Filter = Annotated[str | None, Query(max_length=128)]


def _registered(action: str) -> str:
    if action not in ACTIONS:
        raise ValueError(f"no such action; actions: {', '.join(ACTIONS)}")
    return action


ActionName = Annotated[
    str, AfterValidator(_registered), WithJsonSchema({"type": "string", "enum": list(ACTIONS)})
]


class RecommendationRow(BaseModel):
    """One proposed action. Money in the reporting currency; `expected_*` are estimates of the model."""

    model_config = ConfigDict(extra="allow")

    recommendation_id: str
    action: str = Field(examples=list(ACTIONS))
    product_id: str
    location_id: str
    quantity_units: float
    currency: str | None = Field(None, description="of its amounts; in a list, that of the page")
    state: str = Field(examples=["proposed"])
    from_location_id: str | None = Field(None, description="the donor of a transfer")
    subject_id: str | None = Field(None, description="its subject if product and place do not say")
    details: dict[str, JsonValue] | None = Field(
        None,
        description="alternatives side by side, what this action alone has; its day without margin rights",
    )
    reason: str | None = None
    model_version: str | None = None
    release_id: str | None = None
    is_simulated: bool


class RecommendationPage(BaseModel):
    currency: str = Field(description="of all amounts, ISO 4217; XXX if the retailer names none")
    items: list[RecommendationRow]
    next_cursor: str | None = Field(None, description="pass as `cursor` for the rows that follow")


class DecisionBody(BaseModel):
    """What a person decides. An override needs `quantity_units`; override and reject need a reason code."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"decision": "approve"}, {"decision": "reject", "reason_code": "supplier-issue"}]
        },
    )

    decision: Literal["approve", "override", "reject"]
    quantity_units: float | None = Field(None, ge=0, le=10_000_000, allow_inf_nan=False)
    reason_code: str | None = Field(None, max_length=64)
    note: str | None = Field(None, max_length=2000)


class DecisionRow(BaseModel):
    """What was decided, and the state of the recommendation after it."""

    decision_id: str
    recommendation_id: str
    decision: str
    state: str = Field(
        examples=["approved", "in_review"], description="in_review: a second person decides too"
    )
    quantity_units: float | None
    decided_by: str
    on_behalf_of: str | None
    reason_code: str | None
    note: str | None
    policy_ids: list[str]
    request_id: str | None
    decided_at: str


@router.get("", responses={200: {"model": RecommendationPage}, **document(400, 401, 403, 422)})
def list_all(
    user: CurrentUser,
    services: ServicesDep,
    state: Annotated[list[State] | None, Query(description="open ones by default", max_length=20)] = None,
    action: ActionName | None = None,
    region: Filter = None,
    department: Filter = None,
    location_id: Filter = None,
    supplier_id: Filter = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """What the caller may see, the most money first; without margin rights, by the day to act."""
    page = list_recommendations(
        services.store,
        reader=user,
        cursor=cursor,
        limit=limit,
        state=state or OPEN,
        action=action,
        region=region,
        department=department,
        location_id=location_id,
        supplier_id=supplier_id,
    )
    body = {
        "currency": services.currency,
        "items": [with_former_names(row.as_dict(), RECORD) for row in page.items],
        "next_cursor": page.next_cursor,
    }
    return Response(json_document(body), media_type="application/json")


@router.get("/impact", responses={200: {"model": Impact}, **document(401, 403, 422)})
def impact(
    user: CurrentUser,
    services: ServicesDep,
    state: Annotated[list[State] | None, Query(description="open ones by default", max_length=20)] = None,
    action: ActionName | None = None,
    region: Filter = None,
    department: Filter = None,
) -> Response:
    """What the proposals would do to stock, payables, cash and working capital, week by week."""
    effect = impact_of(services.store, user, state=state, action=action, region=region, department=department)
    return Response(
        json_document({**effect.model_dump(), "currency": services.currency}), media_type="application/json"
    )


@router.get("/report", responses={200: {"model": DecisionReport}, **document(400, 401, 403, 404, 422)})
def report(user: CurrentUser, services: ServicesDep) -> Response:
    """Who was right: what came of decisions by kind, person and reason, and what is at fault."""
    summary = decision_report(services.metrics, user)
    return Response(json_document(summary.as_dict()), media_type="application/json")


@router.get(
    "/{recommendation_id}", responses={200: {"model": RecommendationRow}, **document(401, 403, 404, 422)}
)
def show(recommendation_id: Id, user: CurrentUser, services: ServicesDep) -> Response:
    """One recommendation. What the caller may not see answers like what does not exist."""
    record = find_recommendation(services.store, recommendation_id, reader=user)
    body = {**with_former_names(record.as_dict(), RECORD), "currency": services.currency}
    return Response(json_document(body), media_type="application/json")


@router.post(
    "/{recommendation_id}/decisions",
    responses={200: {"model": DecisionRow}, **document(400, 401, 403, 404, 409, 413, 422)},
)
def decide_on(
    recommendation_id: Id,
    body: DecisionBody,
    user: Decider,
    services: ServicesDep,
    request_id: RequestId,
    after: BackgroundTasks,
    idempotency_key: Annotated[str | None, Header(max_length=128)] = None,
) -> Response:
    """Decide once: a second decision is a conflict, a repeated Idempotency-Key answers as the first time."""
    decided = decide(
        services.store,
        user,
        recommendation_id,
        body.decision,
        quantity=body.quantity_units,
        reason_code=body.reason_code,
        note=body.note,
        request_id=request_id,
        idempotency_key=idempotency_key,
        now=datetime.now(UTC),
    )
    after.add_task(services.lineage_events.decided, services.store)
    return Response(json_document(asdict(decided)), media_type="application/json")
