"""The one mapping from our errors to HTTP: RFC 9457 problem documents."""

from __future__ import annotations

import logging
import uuid
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from api.errors import TooManyRequestsError
from semantic.errors import EngineBusyError, SteelyardError

MEDIA_TYPE = "application/problem+json"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with none at all browsers say that our own forms come from nowhere
    "Cache-Control": "no-store",
}
"""On every answer."""

_log = logging.getLogger("steelyard.api")

_STATUS_BY_CODE = {
    "not-authenticated": HTTPStatus.UNAUTHORIZED,
    "forbidden": HTTPStatus.FORBIDDEN,
    "not-found": HTTPStatus.NOT_FOUND,
    "release-not-found": HTTPStatus.NOT_FOUND,
    "unknown-node": HTTPStatus.NOT_FOUND,
    "model-not-found": HTTPStatus.NOT_FOUND,
    "conflict": HTTPStatus.CONFLICT,
    "idempotency-mismatch": HTTPStatus.UNPROCESSABLE_ENTITY,
    "too-many-requests": HTTPStatus.TOO_MANY_REQUESTS,
    "audit-broken": HTTPStatus.SERVICE_UNAVAILABLE,
    "store-unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "store-too-new": HTTPStatus.SERVICE_UNAVAILABLE,
    "register-unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "disk-full": HTTPStatus.INSUFFICIENT_STORAGE,
    "execution-failed": HTTPStatus.INTERNAL_SERVER_ERROR,
    "engine-busy": HTTPStatus.SERVICE_UNAVAILABLE,
    "query-timeout": HTTPStatus.GATEWAY_TIMEOUT,
    "result-too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "release-corrupt": HTTPStatus.SERVICE_UNAVAILABLE,
    "release-error": HTTPStatus.SERVICE_UNAVAILABLE,
}

_MISSED = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)  # no such path, or another verb


class Problem(BaseModel):
    """A refusal or failure, as RFC 9457 describes it, with our `code` and `hint`."""

    type: str = Field(examples=["urn:steelyard:problem:unknown-name"])
    title: str = Field(examples=["Bad Request"])
    status: int = Field(examples=[400])
    detail: str = Field(examples=["The metric net_sale does not exist."])
    code: str = Field(examples=["unknown-name"])
    hint: str = Field("", examples=["Did you mean net_sales?"])
    instance: str = Field(examples=["urn:uuid:0b8f…"])
    errors: list[dict[str, object]] = Field(
        default_factory=list, description="what was wrong with the request, field by field"
    )


def document(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI `responses` for these statuses."""
    body = {"model": Problem, "content": {MEDIA_TYPE: {}}}
    return {status: body | {"description": HTTPStatus(status).phrase} for status in statuses}


def answer_with_problems(app: FastAPI) -> None:
    """Install the handlers; nothing leaves the API as a traceback."""
    where = (
        "The calls are described at /docs." if app.openapi_url else "The integrator's guide lists the calls."
    )

    @app.exception_handler(SteelyardError)
    async def refused(request: Request, error: SteelyardError) -> JSONResponse:
        status = status_of(error)
        instance = ""
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            instance = f"urn:uuid:{uuid.uuid4()}"
            _log.error("%s failed (%s)", request.url.path, instance, exc_info=error)
        headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else {}
        if isinstance(error, TooManyRequestsError):
            headers["Retry-After"] = str(error.retry_after_seconds)
        if isinstance(error, EngineBusyError):
            headers["Retry-After"] = "1"
        return _answer(status, error.code, error.message, error.hint, instance=instance, headers=headers)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        field_errors = [{"where": list(e["loc"]), "message": e["msg"]} for e in error.errors()]
        location = ".".join(str(part) for part in field_errors[0]["where"]) if field_errors else "request"
        detail = f"{location}: {field_errors[0]['message']}" if field_errors else "The request is malformed."
        is_json = request.headers.get("content-type", "application/json").startswith("application/json")
        hint = where if is_json else "Send JSON, with the header Content-Type: application/json."
        return _answer(
            HTTPStatus.UNPROCESSABLE_ENTITY, "malformed-request", detail, hint, errors=field_errors
        )

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        status = HTTPStatus(error.status_code)
        code = status.phrase.lower().replace(" ", "-")
        hint = f"{where} People's page is /review." if status in _MISSED else ""
        return _answer(status, code, str(error.detail), hint, headers=dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def crashed(request: Request, error: Exception) -> JSONResponse:
        instance = f"urn:uuid:{uuid.uuid4()}"
        _log.exception("%s failed (%s)", request.url.path, instance, exc_info=error)
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        return _answer(
            status,
            "internal-error",
            "This is our fault, not yours.",
            "Quote `instance`.",
            instance=instance,
            headers=HEADERS,
        )


def too_large(most_bytes: int) -> JSONResponse:
    """The answer to a body that says itself that it is too long."""
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return _answer(status, "body-too-large", f"A request body may hold {most_bytes:,} bytes.", "")


def status_of(error: SteelyardError) -> HTTPStatus:
    """HTTP status of a refusal; what is not named here is a bad request."""
    return _STATUS_BY_CODE.get(error.code, HTTPStatus.BAD_REQUEST)


def _answer(
    status: HTTPStatus,
    code: str,
    detail: str,
    hint: str,
    *,
    errors: list[dict[str, object]] | None = None,
    instance: str = "",
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    problem = Problem(
        type=f"urn:steelyard:problem:{code}",
        title=status.phrase,
        status=status.value,
        detail=detail,
        code=code,
        hint=hint,
        instance=instance or f"urn:uuid:{uuid.uuid4()}",
        errors=jsonable_encoder(errors or []),
    )
    return JSONResponse(problem.model_dump(), status.value, media_type=MEDIA_TYPE, headers=headers)
