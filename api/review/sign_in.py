"""Signing in: the demo's people by password or token, others through the retailer's identity provider."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from api.auth.secret import secret_in
from api.auth.sign_in import local_issuer
from api.deps import ServicesDep
from api.review import oidc
from api.review.render import page
from api.review.session import OwnForm, end, from_our_page, password_file, reader, start
from api.wiring import Services
from api.working import Stranger
from governance.errors import NotAuthenticatedError, NotFoundError

router = APIRouter(prefix="/review", include_in_schema=False, dependencies=[Stranger])
_DEMO_ORDER = (
    "planner_east", "planner_west", "category_manager", "finance_controller", "store_manager", "executive",
    "auditor",
)  # fmt: skip


@router.get("/sign-in")
async def sign_in_page(request: Request, services: ServicesDep) -> Response:
    """The sign-in page: a form in the demo, a way to the identity provider otherwise."""
    return _form(services)


@router.post("/sign-in")
def sign_in(
    request: Request,
    services: ServicesDep,
    user: Annotated[str, Form(max_length=128)] = "",
    password: Annotated[str, Form(max_length=8000)] = "",
) -> Response:
    """The demo's password and a user, or a token of `steelyard auth token USER` alone."""
    from_our_page(request)
    if services.settings.oidc_issuer:
        return _form(services, "Sign in through your identity provider.", 400)
    try:
        token = _token(services, user, password.strip())
    except (NotAuthenticatedError, NotFoundError):
        return _form(services, "That user and password do not fit together.", 401)
    answer = RedirectResponse("/review", 303)
    start(answer, request, token, services.settings.token_hours)
    return answer


@router.post("/sign-out", dependencies=[OwnForm])
def sign_out() -> Response:
    """End the session of this browser."""
    answer = RedirectResponse("/review/sign-in", 303)
    end(answer)
    return answer


@router.get("/oidc")
def to_provider(request: Request, services: ServicesDep) -> Response:
    """Off to the identity provider, with state, nonce and PKCE."""
    return oidc.depart(request, services.settings)


@router.get("/oidc/callback")
def from_provider(request: Request, services: ServicesDep) -> Response:
    """Back with a code: it becomes a token that is verified like any other.

    Answers with a page that leads on by itself: a redirect would still count as coming from the provider's
    site, and the browser would hold our strict cookie back.
    """
    try:
        token = oidc.arrive(request, services.settings)
        reader(services, token)
    except NotAuthenticatedError as error:
        return _form(services, error.message, 401)
    answer = page("signed_in.html")
    start(answer, request, token, services.settings.token_hours)
    oidc.forget(answer)
    return answer


def _token(services: Services, user: str, password: str) -> str:
    """Raises NotAuthenticatedError if neither password nor token holds, NotFoundError for an unknown user."""
    if password.count(".") == 2:
        reader(services, password)
        return password
    expected = secret_in(password_file(services.settings))
    if not hmac.compare_digest(password.encode(), expected.encode()):
        raise NotAuthenticatedError("Wrong password.")
    services.directory.user(user)
    lifetime = timedelta(hours=services.settings.token_hours)
    return local_issuer(services.settings).issue(user, now=datetime.now(UTC), lifetime=lifetime)


def _form(services: Services, problem: str = "", status: int = 200) -> Response:
    demo = not services.settings.oidc_issuer
    where = ""
    if demo:
        secret_in(password_file(services.settings))
        where = str(password_file(services.settings))
    return page("sign_in.html", status, demo=demo, users=_DEMO_ORDER, problem=problem, where=where)
