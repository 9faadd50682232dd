"""Dashboards inside other sites: a guest token for one person, one dashboard and one release.

Superset takes the token as a guest's and asks the API in that person's name, so a guest sees what the person
would see signed in. Superset itself makes none (its configuration says no to everybody), so that whoever runs
it cannot speak for somebody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import jwt

from api.auth.secret import secret_in
from api.auth.service_keys import SUPERSET_SERVICE
from api.settings import Settings
from dashboards.superset_steelyard.identity import GUEST_AUDIENCE, asset_uuid
from dashboards.superset_steelyard.spec import load_specs
from governance.errors import ForbiddenError, NotFoundError
from governance.identity import Directory, Principal

MINUTES = 5
"""Life of a token. The host asks for the next one; a right that is withdrawn ends with it."""


@dataclass(frozen=True)
class GuestToken:
    """What the page that shows the dashboard needs."""

    token: str
    embed_url: str
    release: str
    expires_at: datetime


def guest_token(
    settings: Settings, directory: Directory, principal: Principal, slug: str, release: str, *, now: datetime
) -> GuestToken:
    """For a person who asks for themselves.

    Raises ForbiddenError; NotFoundError as if there were no such dashboard.
    """
    if not settings.superset_embed_domains:
        raise ForbiddenError(
            "Dashboards are not shown inside other sites here.", hint="STEELYARD_SUPERSET_EMBED_DOMAINS"
        )
    if principal.is_service or principal.acting_service:
        raise ForbiddenError("A guest token is given to the person who will look.")
    spec = next((spec for spec in load_specs() if spec.slug == slug), None)
    open_to = directory.roles_delegable_to(SUPERSET_SERVICE)
    if spec is None or principal.role not in open_to or (spec.roles and principal.role not in spec.roles):
        raise NotFoundError(f"No dashboard {slug!r}.")
    until, embedded = now + timedelta(minutes=MINUTES), asset_uuid("embedded", slug)
    claims = {
        "iat": now,
        "exp": until,
        "aud": GUEST_AUDIENCE,
        "type": "guest",
        "user": {"username": principal.user, "first_name": principal.user, "last_name": ""},
        "resources": [{"type": "dashboard", "id": embedded}],
        "rls_rules": [],
        "release": release,
    }
    return GuestToken(
        token=jwt.encode(claims, secret_in(guest_secret(settings)).strip(), algorithm="HS256"),
        embed_url=f"{superset_url(settings)}/embedded/{embedded}",
        release=release,
        expires_at=until,
    )


def guest_secret(settings: Settings) -> Path:
    """The key that the API and Superset share for this."""
    return settings.superset_guest_secret or settings.superset_home / "guest_secret"


def superset_url(settings: Settings) -> str:
    """Where a browser finds Superset."""
    return settings.superset_url.rstrip("/") or f"http://{settings.host}:{settings.superset_port}"
