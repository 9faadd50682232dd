"""What every request passes: a request id, security headers, counters. FastAPI itself limits the size."""

from __future__ import annotations

import time
import uuid

from fastapi import FastAPI
from prometheus_client import Counter, Histogram
from starlette.middleware.base import RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response

from api.problems import HEADERS, too_large

MAX_BODY_BYTES = 1_000_000

REQUESTS = Counter("steelyard_http_requests", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram("steelyard_http_request_seconds", "Time to answer", ["route"])

_STRICT_TRANSPORT = "max-age=31536000; includeSubDomains"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CSP = "default-src 'none'; frame-ancestors 'none'"
_CSP_OF_DOCS = "default-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
_DOCS = ("/docs", "/redoc", "/static-offline-docs")


def add_middleware(app: FastAPI, *, strict_transport: bool = False) -> None:
    """`strict_transport` tells browsers to come by https only.

    No other site may read answers: there is no CORS.
    """

    @app.middleware("http")
    async def observe(request: Request, call_next: RequestResponseEndpoint) -> Response:
        request.state.request_id = request.headers.get("X-Request-ID", "")[:64] or str(uuid.uuid4())
        started = time.perf_counter()
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
            response: Response = too_large(MAX_BODY_BYTES)
        else:
            response = await call_next(request)
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
