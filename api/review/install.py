"""Put the page into the application: routes, static files, its own headers and answers."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.base import RequestResponseEndpoint

from api.review import impact, lineage, pages, sign_in
from api.review.render import CONTENT_SECURITY_POLICY
from api.review.session import SignInNeededError

STATIC = Path(__file__).parent / "static"


def install_review(app: FastAPI) -> None:
    """Mount `/review`."""
    app.mount("/review/static", StaticFiles(directory=STATIC), name="review-static")
    app.include_router(sign_in.router)
    app.include_router(pages.router)
    app.include_router(lineage.router)
    app.include_router(impact.router)
    app.add_api_route("/", lambda: RedirectResponse("/review"), include_in_schema=False)

    @app.middleware("http")
    async def headers(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        if request.url.path.startswith("/review"):
            response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
            if request.url.path.startswith("/review/static/"):
                response.headers["Cache-Control"] = "public, max-age=300"
        return response

    @app.exception_handler(SignInNeededError)
    async def sign_in_first(request: Request, error: SignInNeededError) -> Response:
        if "hx-request" in request.headers:
            return Response(status_code=401, headers={"HX-Redirect": "/review/sign-in"})
        return RedirectResponse("/review/sign-in", 303)
