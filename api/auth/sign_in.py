"""Whom this process accepts: the demo's people or those of an identity provider, and services."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from api.errors import SettingsInvalidError
from api.settings import Settings
from governance.identity import Directory, LocalIssuer, RemoteKeys, TokenVerifier


def directory_of(settings: Settings) -> Directory:
    """People and services: of the configured file, else the demo's, whose people production does not know."""
    if settings.directory is not None:
        return Directory.load(settings.directory)
    demo = Directory.load()
    return demo.without_people() if settings.mode == "production" else demo


def local_issuer(settings: Settings) -> LocalIssuer:
    """The demo's issuer. Raises ForbiddenError in production mode."""
    production = settings.mode == "production"
    return LocalIssuer(settings.var_dir / "keys", audience=settings.oidc_audience, production=production)


def token_verifier(settings: Settings, directory: Directory) -> TokenVerifier:
    """OIDC if an issuer is configured, else the local issuer.

    Raises SettingsInvalidError or ForbiddenError.
    """
    if not settings.oidc_issuer:
        issuer = local_issuer(settings)
        return TokenVerifier(
            issuer=issuer.issuer, audience=issuer.audience, keys=issuer.jwks(), directory=directory
        )
    if not settings.oidc_jwks_url.startswith("https://"):
        raise SettingsInvalidError(
            "STEELYARD_OIDC_JWKS_URL must be an https address.", hint="Ask your identity provider."
        )

    def fetch() -> Mapping[str, object]:
        return dict(httpx.get(settings.oidc_jwks_url, timeout=10).raise_for_status().json())

    return TokenVerifier(
        issuer=settings.oidc_issuer,
        audience=settings.oidc_audience,
        keys=RemoteKeys(fetch),
        algorithm=settings.oidc_algorithm,
    )
