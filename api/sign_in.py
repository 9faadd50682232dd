"""Which tokens this process accepts: the demo's own, or those of the retailer's identity provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from api.errors import SettingsInvalid
from api.settings import Settings
from governance.identity import Directory, LocalIssuer, RemoteKeys, TokenVerifier


def local_issuer(settings: Settings) -> LocalIssuer:
    """The demo's issuer. Raises Forbidden in production mode."""
    production = settings.mode == "production"
    return LocalIssuer(settings.var_dir / "keys", audience=settings.oidc_audience, production=production)


def token_verifier(settings: Settings, directory: Directory) -> TokenVerifier:
    """OIDC where an issuer is configured, else the local issuer. Raises SettingsInvalid or Forbidden."""
    if not settings.oidc_issuer:
        issuer = local_issuer(settings)
        return TokenVerifier(
            issuer=issuer.issuer, audience=issuer.audience, keys=issuer.jwks(), directory=directory
        )
    if not settings.oidc_jwks_url.startswith("https://"):
        raise SettingsInvalid(
            "STEELYARD_OIDC_JWKS_URL must be an https address.", hint="Ask your identity provider."
        )

    def fetch() -> Mapping[str, Any]:
        return dict(httpx.get(settings.oidc_jwks_url, timeout=10).raise_for_status().json())

    return TokenVerifier(
        issuer=settings.oidc_issuer,
        audience=settings.oidc_audience,
        keys=RemoteKeys(fetch),
        algorithm=settings.oidc_algorithm,
    )
