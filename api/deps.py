"""What routes ask for: the services, and who is calling."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.wiring import Services
from governance.errors import NotAuthenticated
from governance.identity import Principal

_bearer = HTTPBearer(auto_error=False, description="`steelyard auth token USER` prints one for the demo.")


def _services(request: Request) -> Services:
    found: Services = request.app.state.services
    return found


ServicesDep = Annotated[Services, Depends(_services)]


def _current_user(
    services: ServicesDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Principal:
    """The caller. Raises NotAuthenticated: nobody is anonymous."""
    if credentials is None:
        raise NotAuthenticated(
            "a bearer token is needed", hint="`steelyard auth token USER` prints one for the demo"
        )
    return services.tokens.verify(credentials.credentials, now=datetime.now(UTC))


CurrentUser = Annotated[Principal, Depends(_current_user)]


def _request_id(request: Request) -> str:
    return str(request.state.request_id)


RequestId = Annotated[str, Depends(_request_id)]
