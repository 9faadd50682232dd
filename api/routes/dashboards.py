"""`/v1/dashboards/{slug}/guest-token`: a dashboard inside another site, for the person who looks at it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from api.auth.embedding import guest_token
from api.deps import CurrentUser, RequestId, ServicesDep
from api.problems import document
from governance.store import audit

router = APIRouter(prefix="/v1/dashboards", tags=["dashboards"])


class GuestTokenAnswer(BaseModel):
    """A token for one person, one dashboard and one release."""

    token: str = Field(description="for Superset's embedded SDK: `fetchGuestToken`")
    embed_url: str = Field(examples=["http://127.0.0.1:8088/embedded/0f4f…"])
    release: str = Field(examples=["20261121T060102-3f9a1c2b"], description="whose numbers it shows")
    expires_at: datetime


@router.post("/{slug}/guest-token", responses=document(401, 403, 404, 422))
def make_guest_token(
    slug: Annotated[str, Path(max_length=50, examples=["executive"])],
    user: CurrentUser,
    services: ServicesDep,
    request_id: RequestId,
) -> GuestTokenAnswer:
    """A token of five minutes that shows the dashboard as the caller would see it. Written to the audit."""
    now = datetime.now(UTC)
    issued = guest_token(
        services.settings, services.directory, user, slug, services.releases.current().release_id, now=now
    )
    with services.store.write() as transaction:
        audit.record(
            transaction,
            user,
            "dashboard.embed",
            f"dashboard.{slug}",
            now=now,
            request_id=request_id,
            after={"release": issued.release},
        )
    return GuestTokenAnswer(
        token=issued.token, embed_url=issued.embed_url, release=issued.release, expires_at=issued.expires_at
    )
