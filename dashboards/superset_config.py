"""Superset's configuration: `SUPERSET_CONFIG_PATH` points here; values come from the environment.

Production (PostgreSQL, Redis, TLS, single sign-on): docs/dashboards.md.
"""

import copy
import os
from pathlib import Path

from flask import Flask
from superset import config as defaults
from superset_steelyard import theme
from superset_steelyard.clock import count_from_the_data
from superset_steelyard.empty_tiles import leave_tiles_empty
from superset_steelyard.identity import GUEST_AUDIENCE
from superset_steelyard.pages import look_after_pages

HOME = Path(os.environ["STEELYARD_SUPERSET_HOME"]).resolve()


def _secret(name: str) -> str:
    """Made by whoever starts Superset, readable by its owner only."""
    return (HOME / name).read_text().strip()


SECRET_KEY = _secret("secret_key")
SQLALCHEMY_DATABASE_URI = os.environ.get("SUPERSET_DATABASE_URL") or f"sqlite:///{HOME / 'superset.db'}"
if SQLALCHEMY_DATABASE_URI.startswith("sqlite"):
    SQLALCHEMY_ENGINE_OPTIONS = {"connect_args": {"timeout": 60}}

# -- dashboards inside other sites: for whom, says the API alone -------------------------------------------
EMBED_DOMAINS = [one for one in os.environ.get("STEELYARD_SUPERSET_EMBED_DOMAINS", "").split(",") if one]

# -- readers are kept apart --------------------------------------------------------------------------------
_REDIS = os.environ.get("SUPERSET_REDIS_URL")
DATA_CACHE_CONFIG: dict[str, str | int] = {
    "CACHE_TYPE": "superset_steelyard.cache." + ("in_redis" if _REDIS else "on_disk"),
    "CACHE_DEFAULT_TIMEOUT": 300,  # seconds; also how long a withdrawn right may still show old numbers
    "CACHE_KEY_PREFIX": "steelyard_data_",
    **(
        {"CACHE_REDIS_URL": _REDIS} if _REDIS else {"CACHE_DIR": str(HOME / "cache"), "CACHE_THRESHOLD": 5000}
    ),
}
CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
THUMBNAIL_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}

FEATURE_FLAGS = {
    "CACHE_QUERY_BY_USER": True,
    "CACHE_IMPERSONATION": True,
    "DASHBOARD_RBAC": True,
    "EMBEDDED_SUPERSET": bool(EMBED_DOMAINS),
    "CHART_PLUGINS_EXPERIMENTAL": True,  # the tile that shows a number beside the period before
    "ALLOW_ADHOC_SUBQUERY": False,
    "ENABLE_TEMPLATE_PROCESSING": False,
    "ENABLE_SUPERSET_META_DB": False,
    "ALERT_REPORTS": bool(os.environ.get("STEELYARD_SMTP_HOST")),
    "DRILL_BY": True,
    "DRILL_TO_DETAIL": True,  # opens the menu that "drill by" is in; single rows are not to be had
    "THUMBNAILS": False,
    "LISTVIEWS_DEFAULT_CARD_VIEW": False,
}
PREFERRED_DATABASES = ["Steelyard"]
PREVENT_UNSAFE_DB_CONNECTIONS = True
SQLLAB_CTAS_NO_LIMIT = False
SQL_MAX_ROW = 100_000
ROW_LIMIT = 10_000
SAMPLES_ROW_LIMIT = 100
NATIVE_FILTER_DEFAULT_ROW_LIMIT = 1000
SQLLAB_TIMEOUT = 60
SUPERSET_WEBSERVER_TIMEOUT = 90

# -- the web ------------------------------------------------------------------------------------------------
WTF_CSRF_ENABLED = True
WTF_CSRF_TIME_LIMIT = 12 * 3600
SESSION_COOKIE_NAME = "steelyard_superset"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = os.environ.get("STEELYARD_SUPERSET_TLS") == "1"
ENABLE_PROXY_FIX = os.environ.get("STEELYARD_SUPERSET_TLS") == "1"
AUTH_USER_REGISTRATION = False
GUEST_ROLE_NAME = "Steelyard guest"
GUEST_TOKEN_JWT_SECRET = _secret("guest_secret")
GUEST_TOKEN_JWT_AUDIENCE = GUEST_AUDIENCE


def GUEST_TOKEN_VALIDATOR_HOOK(_: object) -> bool:  # noqa: N802 - Superset's name
    """Superset makes no guest tokens: whoever may ask it for one could name anybody."""
    return False


def FLASK_APP_MUTATOR(app: Flask) -> None:  # noqa: N802 - Superset's name
    """Who looks, from which day people count, and tiles without a value."""
    look_after_pages(app)
    count_from_the_data()
    leave_tiles_empty(app)


TALISMAN_CONFIG = copy.deepcopy(defaults.TALISMAN_CONFIG)
_sources = TALISMAN_CONFIG["content_security_policy"]
for _what, _from in _sources.items():  # Superset's own list lets a page load a pixel that counts its openings
    if isinstance(_from, list):
        _sources[_what] = [part for part in _from if part.startswith(("'", "blob:", "data:"))]
if EMBED_DOMAINS:
    TALISMAN_CONFIG["frame_options"] = None  # the newer rule says who may
    _sources["frame-ancestors"] = ["'self'", *EMBED_DOMAINS]

# -- the look -----------------------------------------------------------------------------------------------
APP_NAME = "Steelyard"
THEME_DEFAULT = theme.LIGHT
THEME_DARK = theme.DARK
EXTRA_CATEGORICAL_COLOR_SCHEMES = theme.CATEGORICAL
EXTRA_SEQUENTIAL_COLOR_SCHEMES = theme.SEQUENTIAL
LANGUAGES = {"en": {"flag": "us", "name": "English"}}

# -- reports by mail, if there is a mail server ----------------------------------------------------------
SMTP_HOST = os.environ.get("STEELYARD_SMTP_HOST", "")
SMTP_PORT = int(os.environ.get("STEELYARD_SMTP_PORT", "587"))
SMTP_USER = os.environ.get("STEELYARD_SMTP_USER", "")
SMTP_PASSWORD = os.environ.get("STEELYARD_SMTP_PASSWORD", "")
SMTP_MAIL_FROM = os.environ.get("STEELYARD_SMTP_FROM", "steelyard@localhost")
SMTP_STARTTLS = os.environ.get("STEELYARD_SMTP_STARTTLS", "1") == "1"
SMTP_SSL = False
