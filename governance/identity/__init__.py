"""Who is asking: people by signed tokens, services by scoped keys, delegation by named services only.

`Directory` holds attributes, `LocalIssuer` signs the demo's tokens, `TokenVerifier` checks tokens of the
local or of an OIDC issuer, `issue_service_key` and `verify_service_key` are for machines, `delegate` for
those that act on somebody's behalf.
"""

from governance.identity.delegation import delegate
from governance.identity.directory import Directory
from governance.identity.issuer import LocalIssuer
from governance.identity.principal import ALL, ROLES, SCOPES, Principal
from governance.identity.service_keys import (
    ServiceKey,
    is_service_key,
    issue_service_key,
    list_service_keys,
    revoke_service_key,
    verify_service_key,
)
from governance.identity.tokens import RemoteKeys, TokenVerifier

__all__ = [
    "ALL",
    "ROLES",
    "SCOPES",
    "Directory",
    "LocalIssuer",
    "Principal",
    "RemoteKeys",
    "ServiceKey",
    "TokenVerifier",
    "delegate",
    "is_service_key",
    "issue_service_key",
    "list_service_keys",
    "revoke_service_key",
    "verify_service_key",
]
