"""`/v1/releases`: what has been published, and when."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.deps import CurrentUser, ServicesDep
from api.problems import document

router = APIRouter(prefix="/v1/releases", tags=["releases"])


class ReleaseRow(BaseModel):
    """One sound release."""

    release_id: str = Field(examples=["20261121T060102-3f9a1c2b"])
    created_at: str = Field(examples=["2026-11-21T06:01:02+00:00"])
    fingerprint: str = Field(description="of the data and definitions that it was built from")
    is_current: bool


class ReleasesAnswer(BaseModel):
    items: list[ReleaseRow]


@router.get("", responses=document(401, 403, 422))
def list_releases(user: CurrentUser, services: ServicesDep) -> ReleasesAnswer:
    """Releases that hold against their seal, oldest first."""
    current = services.releases.current_id()
    rows = [
        ReleaseRow(
            release_id=r.release_id,
            created_at=r.created_at,
            fingerprint=r.fingerprint,
            is_current=r.release_id == current,
        )
        for r in services.releases.list()
    ]
    return ReleasesAnswer(items=rows)
