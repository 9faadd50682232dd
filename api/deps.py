"""What routes ask for: the services, and who is calling with which right."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from api.auth.caller import ON_BEHALF_OF, caller
from api.wiring import Services
from governance.errors import ForbiddenError, NotAuthenticatedError
from governance.identity import Principal

_bearer = HTTPBearer(
    auto_error=False,
    description="A person's token (`steelyard auth token USER` prints one for the demo) or a service's key "
    "(`steelyard auth key issue SERVICE`).",
)
_SAFE = frozenset({"GET", "HEAD"})


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]


def _current_user(
    request: Request,
    needed: SecurityScopes,
    services: ServicesDep,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    on_behalf_of: Annotated[
        str | None,
        Header(alias=ON_BEHALF_OF, max_length=128, description="services only: the person who is asking"),
    ] = None,
) -> Principal:
    """The caller, whose key (a service's) was issued for what the route does.

    Raises NotAuthenticatedError: nobody is anonymous. Raises ForbiddenError if the key lacks the scope, and
    TooManyRequestsError. A route that changes something and names no scope is closed to services.
    """
    if credentials is None or len(request.headers.getlist("authorization")) != 1:
        raise NotAuthenticatedError(
            "One bearer token is needed.", hint="`steelyard auth token USER` prints one for the demo"
        )
    people = request.headers.getlist(ON_BEHALF_OF)
    principal = caller(
        credentials.credentials,
        people,
        tokens=services.tokens,
        store=services.store,
        directory=services.directory,
        now=datetime.now(UTC),
    )
    services.rate_limit.count(principal)
    scopes = needed.scopes or (["read"] if request.method in _SAFE else ["none"])
    for scope in scopes:
        if not principal.may_use(scope):
            raise ForbiddenError(
                f"The key of {principal.actor!r} was not issued to {scope}.",
                hint=f"`steelyard auth key issue SERVICE --scope {scope}`, if the directory allows it",
            )
    return principal


CurrentUser = Annotated[Principal, Depends(_current_user)]
"""Who calls. Services with the scope `read` too, if nothing is changed."""

Reader = Annotated[Principal, Security(_current_user, scopes=["read"])]
"""As `CurrentUser`, for routes that read by POST."""

Decider = Annotated[Principal, Security(_current_user, scopes=["decide"])]
"""A person, or a service that acts for one and has the scope `decide`."""


def _request_id(request: Request) -> str:
    return str(request.state.request_id)


RequestId = Annotated[str, Depends(_request_id)]
