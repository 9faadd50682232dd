"""OpenID Connect, code flow with PKCE, by Authlib: it brings back an id token for our own audience."""

from __future__ import annotations

import hmac
import secrets
from functools import lru_cache

import httpx
from authlib.integrations.httpx_client import OAuth2Client
from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from api.errors import SettingsInvalidError
from api.settings import Settings
from governance.errors import NotAuthenticatedError

COOKIE = "steelyard_review_oidc"
_MINUTES = 10


@lru_cache(maxsize=4)
def _endpoints(issuer: str) -> dict[str, str]:
    answer = httpx.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration", timeout=10)
    return dict(answer.raise_for_status().json())


def depart(request: Request, settings: Settings) -> Response:
    """Redirect to the provider; what is needed on the way back waits in a short-lived cookie.

    Lax, not strict: the way back starts at the provider's site.
    """
    verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    with _client(request, settings) as client:
        url, state = client.create_authorization_url(
            _endpoints(settings.oidc_issuer)["authorization_endpoint"], code_verifier=verifier, nonce=nonce
        )
    answer = RedirectResponse(url, 303)
    answer.set_cookie(
        COOKIE,
        ".".join((state, verifier, nonce)),  # all three are of the URL-safe alphabet
        max_age=_MINUTES * 60,
        path="/review/oidc",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


def arrive(request: Request, settings: Settings) -> str:
    """The id token for the code in `request`, to be verified. Raises NotAuthenticatedError."""
    try:
        names = ("state", "verifier", "nonce")
        remembered = dict(zip(names, request.cookies[COOKIE].split("."), strict=True))
        state, code = request.query_params["state"], request.query_params["code"]
    except (KeyError, ValueError):
        raise NotAuthenticatedError("The sign-in was not begun here, or took too long: try again.") from None
    if not hmac.compare_digest(state.encode(), str(remembered["state"]).encode()):
        raise NotAuthenticatedError("The sign-in was not begun here: try again.")
    with _client(request, settings) as client:
        try:
            tokens = client.fetch_token(
                _endpoints(settings.oidc_issuer)["token_endpoint"],
                code=code,
                code_verifier=remembered["verifier"],
            )
        except Exception as error:  # whatever the provider refuses with
            raise NotAuthenticatedError("The identity provider did not confirm the sign-in.") from error
    token = str(tokens.get("id_token", ""))
    if _nonce(token) != remembered["nonce"]:
        raise NotAuthenticatedError("The identity provider answered another sign-in.")
    return token


def forget(answer: Response) -> None:
    """The way back was taken."""
    answer.delete_cookie(COOKIE, path="/review/oidc", httponly=True, samesite="lax")


def _nonce(token: str) -> str | None:
    """Read before verification, which follows; an unreadable token has none."""
    import jwt

    try:
        return str(jwt.decode(token, options={"verify_signature": False}).get("nonce"))
    except jwt.PyJWTError:
        return None


def _client(request: Request, settings: Settings) -> OAuth2Client:
    if not (settings.oidc_issuer and settings.oidc_client_id):
        raise SettingsInvalidError(
            "Signing in by browser needs STEELYARD_OIDC_CLIENT_ID.",
            hint="Register the page with your identity provider; its redirect is /review/oidc/callback.",
        )
    return OAuth2Client(
        settings.oidc_client_id,
        settings.oidc_client_secret or None,
        scope="openid profile",
        redirect_uri=str(request.url_for("from_provider")),
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic" if settings.oidc_client_secret else "none",
    )
