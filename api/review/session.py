"""Who sits at the page: a signed-in session in one cookie, and the proof that a form is our own.

The cookie holds the same token that the API takes, so one verification serves both. It is out of reach of
scripts (HttpOnly) and never sent from another site (SameSite=Strict). Forms carry an HMAC of it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Form, Request, Response

from api.auth.secret import secret_in
from api.deps import ServicesDep
from api.settings import Settings
from api.wiring import Services
from api.working import admitted, aside
from governance.errors import ForbiddenError, NotAuthenticatedError
from governance.identity import Principal, is_service_key

COOKIE = "steelyard_review"


class SignInNeededError(NotAuthenticatedError):
    """Nobody is signed in, or the session has ended: the page leads to the sign-in."""


def password_file(settings: Settings) -> Path:
    """Where the demo's one password is; it opens the page for every demo user."""
    return settings.var_dir / "keys" / "review_password"


def start(response: Response, request: Request, token: str, hours: float) -> None:
    """Sign in: keep the token in the cookie."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(hours * 3600),
        path="/review",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def end(response: Response) -> None:
    """Sign out."""
    response.delete_cookie(COOKIE, path="/review", httponly=True, samesite="strict")


def reader(services: Services, token: str) -> Principal:
    """The person behind a token. Raises NotAuthenticatedError; a service has no business at a page."""
    if is_service_key(token):
        raise NotAuthenticatedError("The review page is for people.")
    person = services.tokens.verify(token, now=datetime.now(UTC))
    if person.is_service:
        raise NotAuthenticatedError("The review page is for people.")
    return person


async def _person(request: Request, services: ServicesDep) -> AsyncIterator[Principal]:
    token = request.cookies.get(COOKIE)
    if token is None:
        raise SignInNeededError("Sign in first.")
    try:
        person = await aside(services, lambda: reader(services, token))
    except NotAuthenticatedError as error:
        raise SignInNeededError(error.message) from error
    async with admitted(request, services, person):
        yield person


CurrentPerson = Annotated[Principal, Depends(_person, scope="function")]
"""Who is signed in, in their turn. Raises SignInNeededError."""


def form_token(request: Request, settings: Settings) -> str:
    """The proof for forms of this session."""
    key = secret_in(settings.var_dir / "keys" / "review_forms").encode()
    return hmac.new(key, request.cookies.get(COOKIE, "").encode(), hashlib.sha256).hexdigest()


def from_our_page(request: Request) -> None:
    """Raises ForbiddenError if the browser says that the form stood on another site."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise ForbiddenError("This form was sent from another site.")
    origin = request.headers.get("origin")
    if origin not in (None, f"{request.url.scheme}://{request.url.netloc}"):
        raise ForbiddenError("This form was sent from another site.")


def _own_form(
    request: Request,
    services: ServicesDep,
    person: CurrentPerson,
    csrf: Annotated[str, Form(max_length=128)] = "",
) -> None:
    from_our_page(request)
    if not hmac.compare_digest(csrf.encode(), form_token(request, services.settings).encode()):
        raise ForbiddenError("This form is not of your session.", hint="load the page again")


OwnForm = Depends(_own_form)
"""For routes that change something. Raises ForbiddenError on a form that our page did not make."""
