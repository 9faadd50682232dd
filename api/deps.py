"""What routes ask for: the services, and who is calling with which right."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Header, Request, params
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from api.auth.caller import ON_BEHALF_OF, caller
from api.wiring import Services
from api.working import admitted, aside
from governance.errors import ForbiddenError, NotAuthenticatedError
from governance.identity import Principal

_bearer = HTTPBearer(
    auto_error=False,
    description="A person's token (`steelyard auth token USER` prints one for the demo) or a service's key "
    "(`steelyard auth key issue SERVICE`).",
)
_SAFE = frozenset({"GET", "HEAD"})


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]


async def _current_user(
    request: Request,
    needed: SecurityScopes,
    services: ServicesDep,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    on_behalf_of: Annotated[
        str | None,
        Header(alias=ON_BEHALF_OF, max_length=128, description="services only: the person who is asking"),
    ] = None,
) -> AsyncIterator[Principal]:
    """The caller, whose key (a service's) was issued for what the route does, in the caller's turn.

    Raises NotAuthenticatedError: nobody is anonymous. Raises ForbiddenError if the key lacks the scope, and
    TooManyRequestsError or EngineBusyError. A route that changes something and names no scope is closed to
    services.
    """
    if credentials is None or len(request.headers.getlist("authorization")) != 1:
        raise NotAuthenticatedError(
            "One bearer token is needed.", hint="`steelyard auth token USER` prints one for the demo"
        )
    people = request.headers.getlist(ON_BEHALF_OF)
    principal = await aside(services, lambda: _caller(services, credentials.credentials, people))
    scopes = needed.scopes or (["read"] if request.method in _SAFE else ["none"])
    for scope in scopes:
        if not principal.may_use(scope):
            raise ForbiddenError(
                f"The key of {principal.actor!r} was not issued to {scope}.",
                hint=f"`steelyard auth key issue SERVICE --scope {scope}`, if the directory allows it",
            )
    async with admitted(request, services, principal):
        yield principal


def _caller(services: Services, credential: str, on_behalf_of: list[str]) -> Principal:
    """Who calls, counted."""
    principal = caller(
        credential,
        on_behalf_of,
        tokens=services.tokens,
        store=services.store,
        directory=services.directory,
        now=datetime.now(UTC),
    )
    services.rate_limit.count(principal)
    return principal


def _in_turn(*scopes: str) -> params.Security:
    """The turn ends with the route's function: who reads an answer slowly keeps nobody waiting."""
    return params.Security(_current_user, scope="function", scopes=scopes)


CurrentUser = Annotated[Principal, _in_turn()]
"""Who calls. Services with the scope `read` too, if nothing is changed."""

Reader = Annotated[Principal, _in_turn("read")]
"""As `CurrentUser`, for routes that read by POST."""

Decider = Annotated[Principal, _in_turn("decide")]
"""A person, or a service that acts for one and has the scope `decide`."""


async def _request_id(request: Request) -> str:
    return str(request.state.request_id)


RequestId = Annotated[str, Depends(_request_id)]
