"""What every request passes: a request id, a size limit, security headers, counters."""

from __future__ import annotations

import time
import uuid
from http import HTTPStatus

from fastapi import FastAPI, HTTPException
from prometheus_client import Counter, Histogram
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 1_000_000
_TOO_LARGE = f"A request body may hold {MAX_BODY_BYTES:,} bytes."

REQUESTS = Counter("steelyard_http_requests", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram("steelyard_http_request_seconds", "Time to answer", ["route"])

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_STRICT_TRANSPORT = "max-age=31536000; includeSubDomains"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CSP = "default-src 'none'; frame-ancestors 'none'"
_CSP_OF_DOCS = "default-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
_DOCS = ("/docs", "/redoc", "/static-offline-docs")


def add_middleware(app: FastAPI, *, strict_transport: bool = False) -> None:
    """Outermost last: the size limit is checked before anything reads the body.

    `strict_transport` tells browsers to come by https only. No other site may read answers: there is no CORS.
    """

    @app.middleware("http")
    async def observe(request: Request, call_next):  # type: ignore[no-untyped-def]
        request.state.request_id = request.headers.get("X-Request-ID", "")[:64] or str(uuid.uuid4())
        started = time.perf_counter()
        response: Response = await call_next(request)
        route = getattr(request.scope.get("route"), "path", "unknown")
        method = request.method if request.method in _METHODS else "other"
        REQUESTS.labels(method, route, response.status_code).inc()
        SECONDS.labels(route).observe(time.perf_counter() - started)
        response.headers["X-Request-ID"] = request.state.request_id
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if strict_transport:
            response.headers.setdefault("Strict-Transport-Security", _STRICT_TRANSPORT)
        policy = _CSP_OF_DOCS if request.url.path.startswith(_DOCS) else _CSP
        response.headers.setdefault("Content-Security-Policy", policy)
        return response

    app.add_middleware(BodyLimit)


class BodyLimit:
    """Refuse a body over MAX_BODY_BYTES, whether its length was declared or not."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
            await _too_large(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > MAX_BODY_BYTES:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TOO_LARGE)
            return message

        await self.app(scope, counted, send)


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    body = {
        "type": "urn:steelyard:problem:body-too-large",
        "title": "Content Too Large",
        "status": 413,
        "detail": _TOO_LARGE,
        "code": "body-too-large",
    }
    answer = JSONResponse(body, 413, media_type="application/problem+json", headers=HEADERS)
    await answer(scope, receive, send)
