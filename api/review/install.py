"""Put the page into the application: routes, static files, its own headers and answers."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.review import impact, lineage, pages, sign_in
from api.review.render import CONTENT_SECURITY_POLICY
from api.review.session import SignInNeededError

STATIC = Path(__file__).parent / "static"


class _PageHeaders:
    """The page's own policy of content; its static files may be kept for minutes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith("/review"):
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
                if path.startswith("/review/static/"):
                    headers["Cache-Control"] = "public, max-age=300"
            await send(message)

        await self.app(scope, receive, send_with_headers)


def install_review(app: FastAPI) -> None:
    """Mount `/review`."""
    app.mount("/review/static", StaticFiles(directory=STATIC), name="review-static")
    app.include_router(sign_in.router)
    app.include_router(pages.router)
    app.include_router(lineage.router)
    app.include_router(impact.router)
    app.add_api_route("/", lambda: RedirectResponse("/review"), include_in_schema=False)

    app.add_middleware(_PageHeaders)

    @app.exception_handler(SignInNeededError)
    async def sign_in_first(request: Request, error: SignInNeededError) -> Response:
        if "hx-request" in request.headers:
            return Response(status_code=401, headers={"HX-Redirect": "/review/sign-in"})
        return RedirectResponse("/review/sign-in", 303)
