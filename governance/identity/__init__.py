"""Who is asking: people by signed tokens, services by scoped keys, delegation by named services only.

`Directory` holds attributes, `LocalIssuer` signs the demo's tokens, `TokenVerifier` checks tokens of the
local or of an OIDC issuer, `issue_service_key` and `verify_service_key` are for machines, `delegate` for
those that act on somebody's behalf.
"""

from governance.identity.delegation import delegate
from governance.identity.directory import Directory
from governance.identity.issuer import LocalIssuer
from governance.identity.principal import ALL, ROLES, Principal
from governance.identity.service_keys import issue_service_key, revoke_service_key, verify_service_key
from governance.identity.tokens import RemoteKeys, TokenVerifier

__all__ = [
    "ALL",
    "ROLES",
    "Directory",
    "LocalIssuer",
    "Principal",
    "RemoteKeys",
    "TokenVerifier",
    "delegate",
    "issue_service_key",
    "revoke_service_key",
    "verify_service_key",
]
