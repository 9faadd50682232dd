"""The web application: middleware, problem documents, routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module, metadata
from threading import Thread
from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from api.auth.log_redaction import redact_logs
from api.middleware import MAX_BODY_BYTES, add_middleware
from api.problems import answer_with_problems, document
from api.review import install_review
from api.routes import (
    audit,
    dashboards,
    health,
    lineage,
    metrics,
    models,
    query,
    recommendations,
    releases,
    reports,
)
from api.settings import Settings, settings
from api.wiring import Services

_DESCRIPTION = """
Governed metrics, recommendations and lineage of a retailer.

Sign in with `Authorization: Bearer TOKEN`; on the demo, `steelyard auth token USER` prints a token.
Refusals are RFC 9457 problem documents with a stable `code` and a `hint`.
"""


def create_app(configured: Settings | None = None) -> FastAPI:
    """`uvicorn api.app:create_app --factory`. Raises SteelyardError if settings cannot be served."""
    services = Services.from_settings(configured or settings(), serves=True).open()
    redact_logs(as_json=services.settings.log_format == "json")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # The first question about models would wait seconds, on a busy machine a minute, for its libraries.
        Thread(target=import_module, args=("api.services.model_service",), daemon=True).start()
        yield
        services.close()

    described = services.settings.api_docs
    if described is None:
        described = services.settings.mode == "demo"
    # FastAPIOffline's documentation pages load nothing from elsewhere
    app = (FastAPIOffline if described else _undescribed)(
        title="Steelyard",
        version=metadata.version("steelyard"),
        description=_DESCRIPTION,
        lifespan=lifespan,
        responses=document(429, 503),
        max_body_size=MAX_BODY_BYTES,
    )
    app.max_body_size = (
        None  # each route keeps the limit; `observe` answers a body that declares itself too long
    )
    app.state.services = services
    answer_with_problems(app)
    add_middleware(app, strict_transport=services.settings.mode == "production")
    for part in (
        health,
        metrics,
        query,
        recommendations,
        lineage,
        models,
        reports,
        releases,
        dashboards,
        audit,
    ):
        app.include_router(part.router)
    install_review(app)
    return app


def _undescribed(**settings: Any) -> FastAPI:
    """An application that does not tell strangers its calls."""
    return FastAPI(openapi_url=None, docs_url=None, redoc_url=None, **settings)
