"""What would let somebody in who should stay out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from limits.storage import storage_from_string

from api.auth.sign_in import directory_of, token_verifier
from api.doctor.finding import Finding, Level
from api.settings import Settings

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
SECRET_FILES = (
    "keys/*",
    "people/*",
    "mlflow/*secret*",
    "mlflow/*password*",
    "mlflow/auth.ini",
    "superset/*key*",
    "superset/*secret*",
    "superset/passwords/*",
    "superset/people*",
    "*.audit-anchor",
)


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Whether the settings can be served, and are fit for where they are served."""
    if settings.mode == "production" or settings.oidc_issuer:
        token_verifier(settings, directory_of(settings))  # raises SettingsInvalidError or ForbiddenError
    yield Finding("settings", Level.OK, f"mode {settings.mode}, bound to {settings.host}")
    if settings.mode == "demo" and settings.host not in _LOOPBACK:
        hint = "Set STEELYARD_MODE=production and an identity provider, or bind to 127.0.0.1."
        yield Finding(
            "settings", Level.FAILED, f"the demo's sign-in is offered to a network ({settings.host})", hint
        )
    if not storage_from_string(settings.rate_limit_storage).check():
        yield Finding(
            "rate limit",
            Level.FAILED,
            "its storage does not answer",
            "See STEELYARD_RATE_LIMIT_STORAGE: no request would be served.",
        )


def check_secrets(settings: Settings) -> Iterator[Finding]:
    """Files that hold keys and passwords are for their owner's eyes only."""
    secret_files = [
        path for path in chain.from_iterable(map(settings.var_dir.glob, SECRET_FILES)) if path.is_file()
    ]
    exposed = [path for path in secret_files if path.stat().st_mode & 0o077]
    if not exposed:
        yield Finding("secrets", Level.OK, f"{len(secret_files)} files, all for their owner only")
    for path in exposed:
        hint = f"chmod 600 {_short(path)}, and replace the secret if others may have read it."
        yield Finding("secrets", Level.FAILED, f"{_short(path)} can be read by others", hint)


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
