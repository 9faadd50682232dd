"""The routes of the page: the queue, one recommendation, its chart and lineage, and deciding."""

from __future__ import annotations

import datetime as dt
import uuid
from datetime import UTC, datetime
from functools import partial
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Form, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from api.deps import RequestId, ServicesDep
from api.review import chart, labels
from api.review.nothing import nothing_open
from api.review.queue import Queue, data_day, last_day, read_queue, row_of
from api.review.render import page, problem_page
from api.review.session import CurrentPerson, OwnForm, form_token
from api.wiring import Services
from governance.approvals import (
    DECISIONS,
    FACETS,
    OPEN,
    REASON_CODES,
    Recommendation,
    State,
    action_of,
    decide,
    decisions_on,
    facets_for,
    find_recommendation,
    list_recommendations,
    may_decide,
)
from governance.errors import (
    ConflictError,
    ForbiddenError,
    IdempotencyMismatchError,
    InvalidDecisionError,
    NotFoundError,
)
from governance.identity import Principal
from governance.policy.authorize import sees_margin
from semantic.errors import SteelyardError

router = APIRouter(prefix="/review", include_in_schema=False)
Id = Annotated[str, Path(max_length=64)]
Short = Annotated[str, Query(max_length=128)]
_EARLIER = 6
_DONE = {"approve": "Approved", "override": "Changed and approved", "reject": "Rejected"}
_STATUS: dict[type[SteelyardError], int] = {
    ForbiddenError: 403,
    ConflictError: 409,
    InvalidDecisionError: 422,
    IdempotencyMismatchError: 422,
}


@router.get("")
def queue_page(request: Request, person: CurrentPerson, services: ServicesDep) -> Response:
    """The queue, with the most pressing recommendation open."""
    queue = _queue(request, person, services)
    first = queue.rows[0].record if queue.rows else None
    return _whole(request, person, services, queue, first)


@router.get("/queue")
def queue_part(request: Request, person: CurrentPerson, services: ServicesDep) -> Response:
    """The list alone, under other filters."""
    return page("queue.html", **_common(request, person, services), queue=_queue(request, person, services),
                open_id=None)  # fmt: skip


@router.get("/items/{recommendation_id}")
def item(request: Request, recommendation_id: Id, person: CurrentPerson, services: ServicesDep) -> Response:
    """One recommendation. What the person may not see answers like what does not exist."""
    try:
        record = _find(services, person, recommendation_id)
    except NotFoundError:
        return _missing(request)
    if "hx-request" in request.headers:
        return page("item.html", **_item(request, person, services, record))
    return _whole(request, person, services, _queue(request, person, services), record)


@router.get("/items/{recommendation_id}/chart")
def item_chart(
    request: Request, recommendation_id: Id, person: CurrentPerson, services: ServicesDep
) -> Response:
    """Its chart, loaded after the page: it asks the warehouse."""
    try:
        record = _find(services, person, recommendation_id)
        last = data_day(record)
        days = chart.read_days(services.metrics, person, record, last)
    except NotFoundError:
        return _missing(request)
    except SteelyardError as error:
        return page("chart.html", chart=None, why=error.message)
    action = action_of(record.action)
    arrives = action is not None and action.stock_effect in ("adds", "hastens")
    adds = record.quantity_units if arrives else None
    return page("chart.html", chart=chart.draw(days, last, adds), why="No stock is recorded for these weeks.")


@router.get("/items/{recommendation_id}/lineage")
def item_lineage(
    request: Request, recommendation_id: Id, person: CurrentPerson, services: ServicesDep
) -> Response:
    """Where its numbers come from, drawn."""
    try:
        record = _find(services, person, recommendation_id)
        view = services.lineage.show(f"recommendation.{record.recommendation_id}", person, depth=2)
    except NotFoundError:
        return _missing(request)
    picture = Response(view.svg(), media_type="image/svg+xml")
    picture.headers["X-Content-Type-Options"] = "nosniff"
    return picture


@router.post("/items/{recommendation_id}/decisions", dependencies=[OwnForm])
def decide_on(
    request: Request,
    recommendation_id: Id,
    person: CurrentPerson,
    services: ServicesDep,
    request_id: RequestId,
    decision: Annotated[str, Form(max_length=16)],
    key: Annotated[str, Form(max_length=64)],
    quantity: Annotated[str, Form(max_length=32)] = "",
    reason_code: Annotated[str, Form(max_length=64)] = "",
    note: Annotated[str, Form(max_length=2000)] = "",
    filters: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Decide, then show the next one. Sent twice with the same key it decides once."""
    request.state.filters = filters
    before = _queue(request, person, services)
    try:
        done = decide(
            services.store,
            person,
            recommendation_id,
            decision,
            quantity=_number(quantity) if decision == "override" else None,
            reason_code=reason_code or None if decision != "approve" else None,
            note=note.strip() or None,
            request_id=request_id,
            idempotency_key=f"review-{key}",
            now=datetime.now(UTC),
        )
    except NotFoundError:
        return _missing(request)
    except (ForbiddenError, ConflictError, InvalidDecisionError, IdempotencyMismatchError) as error:
        return _refused(request, person, services, recommendation_id, error)
    notice = (
        _DONE[done.decision] if done.state != State.IN_REVIEW else "Approved; a second person decides too"
    )
    following = before.after(recommendation_id)
    if "hx-request" not in request.headers:
        return RedirectResponse(f"/review/items/{following}" if following else "/review", 303)
    queue = _queue(request, person, services)
    record = next((row.record for row in queue.rows if row.id == following), None)
    record = record or (queue.rows[0].record if queue.rows else None)
    return _after(request, person, services, queue, record, notice=f"{notice}.", url=True)


@router.post("/decisions", dependencies=[OwnForm])
def approve_several(
    request: Request,
    person: CurrentPerson,
    services: ServicesDep,
    request_id: RequestId,
    key: Annotated[str, Form(max_length=64)],
    ids: Annotated[list[str], Form(max_length=200, default_factory=list)],
    filters: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Approve what was selected, each by itself and within this person's limits; the rest stays."""
    request.state.filters = filters
    done, refused = 0, 0
    for recommendation_id in dict.fromkeys(ids):
        try:
            decide(
                services.store,
                person,
                recommendation_id,
                "approve",
                request_id=request_id,
                idempotency_key=f"review-{key}-{recommendation_id}"[:128],
                now=datetime.now(UTC),
            )
            done += 1
        except (NotFoundError, ForbiddenError, ConflictError, InvalidDecisionError, IdempotencyMismatchError):
            refused += 1
    notice = f"{done} approved." + (
        f" {refused} stay: not yours to decide, or decided already." if refused else ""
    )
    if "hx-request" not in request.headers:
        return RedirectResponse("/review", 303)
    queue = _queue(request, person, services)
    return _after(
        request, person, services, queue, queue.rows[0].record if queue.rows else None, notice=notice
    )


def _filters_in_force(request: Request) -> dict[str, str]:
    """The filters in force: those of the form that was sent, else those of the address."""
    sent_filters: str | None = getattr(request.state, "filters", None)
    filters_in_force = dict(request.query_params) if sent_filters is None else dict(parse_qsl(sent_filters))
    return {name: filters_in_force[name][:128] for name in (*FACETS, "mine") if filters_in_force.get(name)}


def _queue(request: Request, person: Principal, services: Services) -> Queue:
    filters_in_force = _filters_in_force(request)
    return read_queue(
        services.store,
        person,
        filters_in_force,
        as_of=last_day(services.metrics),
        only_mine="mine" in filters_in_force,
    )


def _find(services: Services, person: Principal, recommendation_id: str) -> Recommendation:
    return find_recommendation(services.store, recommendation_id, reader=person)


def _common(request: Request, person: Principal, services: Services) -> dict[str, object]:
    filters_in_force = _filters_in_force(request)
    return {
        "person": person,
        "csrf": form_token(request, services.settings),
        "key": str(uuid.uuid4()),
        "data_day": (ends := last_day(services.metrics)),
        "next_day": ends + dt.timedelta(days=1),
        "facets": facets_for(person),
        "only_mine": "mine" in filters_in_force,
        "query": urlencode(filters_in_force),
        "margin_shown": sees_margin(person),
        "nothing_open": partial(nothing_open, services, person),
    }


def _item(
    request: Request, person: Principal, services: Services, record: Recommendation, **more: object
) -> dict[str, object]:
    details = record.details if isinstance(record.details, dict) else {}
    earlier = list_recommendations(
        services.store,
        reader=person,
        limit=_EARLIER + 1,
        product_id=record.product_id,
        location_id=record.location_id,
    ).items
    return {
        **_common(request, person, services),
        "row": row_of(record, person, last_day(services.metrics)),
        "item": record,
        "details": details,
        "drivers": labels.driver_lines(record),
        "data_line": labels.data_line(record),
        "decided": decisions_on(services.store, record.recommendation_id),
        "earlier": [r for r in earlier if r.recommendation_id != record.recommendation_id][:_EARLIER],
        "is_open": record.state in OPEN,
        "may": {kind: may_decide(person, record, kind) for kind in DECISIONS},
        "problem": "",
        "typed": {},
        "reasons": REASON_CODES,
    } | more


def _whole(
    request: Request, person: Principal, services: Services, queue: Queue, record: Recommendation | None
) -> Response:
    values = _item(request, person, services, record) if record else _common(request, person, services)
    return page(
        "page.html", **values, queue=queue, open_id=record.recommendation_id if record else None, notice=""
    )


def _after(
    request: Request, person: Principal, services: Services, queue: Queue, record: Recommendation | None, *,
    notice: str, url: bool = False,
) -> Response:  # fmt: skip
    values = _item(request, person, services, record) if record else _common(request, person, services)
    open_id = record.recommendation_id if record else None
    answer = page("after.html", **values, queue=queue, open_id=open_id, notice=notice)
    if url:
        answer.headers["HX-Push-Url"] = f"/review/items/{open_id}" if open_id else "/review"
    return answer


def _refused(
    request: Request, person: Principal, services: Services, recommendation_id: str, error: SteelyardError
) -> Response:
    record = _find(services, person, recommendation_id)
    text = " ".join(part for part in (error.message, f"({error.hint})" if error.hint else "") if part)
    values = _item(request, person, services, record, problem=text[:1].upper() + text[1:])
    if "hx-request" in request.headers:
        return page("item.html", _STATUS[type(error)], **values)
    queue = _queue(request, person, services)
    return page(
        "page.html", _STATUS[type(error)], **values, queue=queue, open_id=recommendation_id, notice=""
    )


def _missing(request: Request) -> Response:
    return problem_page(
        request, 404, "Nothing here", "There is no such recommendation, or it is not yours to see."
    )


def _number(text: str) -> float | None:
    """None if it is not a number: the decision then says what it needs."""
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None
