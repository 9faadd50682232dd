"""Acting on somebody's behalf: named services only, and with the rights of the person, never more."""

from __future__ import annotations

from dataclasses import replace

from governance.errors import ForbiddenError, NotFoundError
from governance.identity.directory import Directory
from governance.identity.principal import Principal

READ_SCOPE, DELEGATE_SCOPE = "read", "delegate"


def delegate(service: Principal, user: str, directory: Directory) -> Principal:
    """The person, asked for by `service`.

    The service needs the scope `delegate` on its key and the person's role in its `on_behalf_of` list. It may
    then read as that person; for anything else its key needs the scope of that step as well. Delegation does
    not chain. Raises ForbiddenError; an unknown person and a forbidden one answer alike.
    """
    may = service.is_service and service.acting_service is None and DELEGATE_SCOPE in (service.scopes or ())
    refused = ForbiddenError(f"{service.user!r} may not act on behalf of {user!r}.")
    if not may:
        raise refused
    try:
        person = directory.user(user)
    except NotFoundError:
        raise refused from None
    if person.role not in directory.roles_delegable_to(service.user):
        raise refused
    scopes = (service.scopes or frozenset()) - {DELEGATE_SCOPE} | {READ_SCOPE}
    return replace(person, acting_service=service.user, scopes=scopes, token_id=service.token_id)
