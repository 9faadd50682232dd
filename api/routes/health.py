"""Is it up, can it answer, and what is it doing. Only the first two need no sign-in."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.deps import CurrentUser, ServicesDep
from api.problems import document
from api.wiring import Services
from api.working import aside

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process is up. Answered by the loop itself: no reader's work is before it."""
    return {"status": "ok"}


@router.get("/readyz", responses=document(503, 404))
async def readyz(services: ServicesDep) -> dict[str, str]:
    """A sound release answers, and so does the ops store."""
    return await aside(services, lambda: _readiness(services))


def _readiness(services: Services) -> dict[str, str]:
    answering = services.metrics.opened().release.release_id
    with services.store.read():
        pass
    if answering != services.releases.current_id():
        return {"status": "ready", "note": "the published release is damaged: the last good one answers"}
    return {"status": "ready"}


@router.get("/metrics", response_class=Response, responses=document(401, 403, 422))
def process_metrics(user: CurrentUser) -> Response:
    """Counters of this process in Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
