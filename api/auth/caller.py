"""Who is behind a bearer credential: a person by token, a service by key, or whom the service names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from governance.errors import ForbiddenError
from governance.identity import (
    Directory,
    Principal,
    TokenVerifier,
    delegate,
    is_service_key,
    verify_service_key,
)
from governance.store import OpsStore

ON_BEHALF_OF = "Steelyard-On-Behalf-Of"


def caller(
    credential: str,
    on_behalf_of: Sequence[str],
    *,
    tokens: TokenVerifier,
    store: OpsStore,
    directory: Directory,
    now: datetime,
) -> Principal:
    """The principal that a credential belongs to, or the person for whom a service acts.

    `on_behalf_of` is every value of that header. Raises NotAuthenticatedError, or ForbiddenError if the
    header is sent twice, by a person, or by a service that may not act for that person.
    """
    if is_service_key(credential):
        principal = verify_service_key(store, credential, directory=directory, now=now)
    else:
        principal = tokens.verify(credential, now=now)
    if not on_behalf_of:
        return principal
    if len(on_behalf_of) > 1:
        raise ForbiddenError(f"{ON_BEHALF_OF} was sent more than once.")
    return delegate(principal, on_behalf_of[0], directory)
