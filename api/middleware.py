"""What every request passes: a request id, security headers, counters, limits of a body's size and time."""

from __future__ import annotations

import asyncio
import time
import uuid
from http import HTTPStatus

from fastapi import FastAPI
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import HEADERS, too_large

MAX_BODY_BYTES = 1_000_000
BODY_SECONDS = 30.0
"""In which a body has to be here as a whole."""

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
    app.add_middleware(_Observe, strict_transport=strict_transport)


class _Observe:
    """One request and its answer on their way, without holding the answer's body."""

    def __init__(self, app: ASGIApp, *, strict_transport: bool) -> None:
        self.app = app
        transport = {"Strict-Transport-Security": _STRICT_TRANSPORT} if strict_transport else {}
        self.headers = {**HEADERS, **transport, "Content-Security-Policy": _CSP}
        self.headers_of_docs = {**self.headers, "Content-Security-Policy": _CSP_OF_DOCS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked, started, status = Headers(scope=scope), time.perf_counter(), 500
        request_id = asked.get("X-Request-ID", "")[:64] or str(uuid.uuid4())
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                of_docs = scope["path"].startswith(_DOCS)
                for name, value in (self.headers_of_docs if of_docs else self.headers).items():
                    headers.setdefault(name, value)
            await send(message)

        declared = asked.get("content-length", "")
        too_long = declared.isdigit() and int(declared) > MAX_BODY_BYTES
        answer = too_large(MAX_BODY_BYTES) if too_long else self.app
        try:
            await answer(scope, _bounded(receive), send_with_headers)
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            REQUESTS.labels(method, route, status).inc()
            SECONDS.labels(route).observe(time.perf_counter() - started)


def _bounded(receive: Receive) -> Receive:
    """Raises HTTPException if the body is too long or late; what comes after it has all the time."""
    until, size, whole = time.monotonic() + BODY_SECONDS, 0, False

    async def receive_in_time() -> Message:
        nonlocal size, whole
        if whole:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(until - time.monotonic(), 0.001))
        except TimeoutError:
            detail = f"The body did not come within {BODY_SECONDS:g} seconds."
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, detail, {"Connection": "close"}) from None
        size += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if size > MAX_BODY_BYTES:
            detail = f"A request body may hold {MAX_BODY_BYTES:,} bytes."
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, {"Connection": "close"})
        return message

    return receive_in_time
