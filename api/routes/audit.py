"""`/v1/audit`: who did what, for those who may read it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict

from api.deps import CurrentUser, ServicesDep
from api.problems import document
from api.services.json_encoding import json_document
from governance.policy.authorize import require
from governance.store import audit

router = APIRouter(prefix="/v1/audit", tags=["audit"])


class AuditRow(BaseModel):
    """One sealed entry."""

    model_config = ConfigDict(extra="allow")

    seq: int
    actor: str
    action: str
    object_id: str


class AuditPage(BaseModel):
    items: list[AuditRow]
    next_cursor: str | None = None


@router.get("", responses={200: {"model": AuditPage}, **document(400, 401, 403, 422)})
def read(
    user: CurrentUser,
    services: ServicesDep,
    object_id: Annotated[str | None, Query(max_length=128)] = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Entries, newest first."""
    require(user, "read_audit")
    require(user, "see_margin")  # entries hold what was proposed and decided, money included
    page = audit.read(services.store, reader=user.reader_key, object_id=object_id, cursor=cursor, limit=limit)
    return Response(
        json_document({"items": list(page.items), "next_cursor": page.next_cursor}),
        media_type="application/json",
    )
