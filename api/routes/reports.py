"""`/v1/reports`: monitoring reports, kept with the release that they are about."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import FileResponse

from api.deps import CurrentUser, ServicesDep
from api.problems import document
from governance.errors import ForbiddenError, NotFoundError

router = APIRouter(prefix="/v1/reports", tags=["models"])
# The page brings its own scripts. In a sandbox they are nobody's: no cookie, no other request of ours.
_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; frame-ancestors 'none'"
)


@router.get("/{release}/{name}", response_class=FileResponse, responses=document(401, 403, 404, 422))
def report(
    release: Annotated[str, Path(pattern=r"^[0-9A-Za-z-]+$")],
    name: Annotated[str, Path(pattern=r"^[a-z_]+\.html$")],
    user: CurrentUser,
    services: ServicesDep,
) -> FileResponse:
    """A page of Evidently. It shows all regions and departments, so only who may see them all opens it."""
    if not all("*" in reach for reach in (user.regions, user.departments, user.stores, user.banners)):
        raise ForbiddenError("The report shows every region and department.")
    path = services.settings.reports / release / name
    if not path.is_file():
        raise NotFoundError(f"Release {release} has no report {name}.")
    return FileResponse(path, media_type="text/html", headers={"Content-Security-Policy": _POLICY})
