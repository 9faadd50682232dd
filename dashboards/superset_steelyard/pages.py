"""Who is looking, and which release their page shows.

A dashboard is many requests. All of them read the release that was published when the page was opened, so a
publish in between never mixes two releases on one page; the next page load takes the new one. Inside another
site, the guest's token says both: who, and which release.
"""

from __future__ import annotations

import re
import time

from flask import Flask, Response, g, has_app_context, has_request_context, jsonify, request, session

from .client import Client
from .json_types import Json

_OPENS_A_PAGE = re.compile(r"^/api/v1/(dashboard/[^/]+/charts|explore)/?$")
_BELONGS_TO_A_PAGE = re.compile(r"^/(api/v1/chart/|superset/explore_json)")
_PINNED = "steelyard_release"
_LONGEST_SECONDS = 12 * 3600


def look_after_pages(app: Flask) -> None:
    """Refuse requests of two people at once; remember the published release whenever a page is opened."""
    _read_one_period()

    @app.before_request
    def _one_person_at_a_time() -> tuple[Response, int] | None:
        shown_for_guest = request.headers.get(app.config["GUEST_TOKEN_HEADER_NAME"])
        if shown_for_guest and signed_in_user() and guest_token() is None:
            message = "Somebody else has signed in to Superset in this browser. Load the page again."
            return jsonify({"message": message}), 401
        return None

    @app.before_request
    def _pin() -> None:
        user = signed_in_user()
        opened = request.method == "GET" and _OPENS_A_PAGE.match(request.path)
        if user and opened and guest_token() is None:
            session.pop(_PINNED, None)
            try:
                release = Client.from_environment().release(user)
            except Exception:  # the page still opens; each chart then says what is wrong
                return
            session[_PINNED] = [release, time.time()]


def _read_one_period() -> None:
    """Superset's parser of periods puts itself in order while it reads for the first time. Tiles ask at the
    same time: a thread that met it half-ordered would be told that its period is wrong."""
    from superset.utils.date_parser import datetime_eval  # Superset itself imports the configuration

    datetime_eval("DATEADD(DATETIME('2017-12-31T00:00:00'), -1, day)")


def signed_in_user() -> str | None:
    """The person in whose name this runs: signed in, or the owner of a report. None for nobody."""
    user = getattr(g, "user", None) if has_app_context() else None
    name = getattr(user, "username", None)
    return str(name) if name else None


def guest_token() -> Json | None:
    """What the API signed for the guest who is looking; None if somebody signed in, or nobody."""
    user = getattr(g, "user", None) if has_app_context() else None
    return getattr(user, "guest_token", None)


def release_for(user: str) -> str:
    """The release that this request reads: its page's, else the published one. The same all through."""
    if not has_app_context():
        return Client.from_environment().release(user)
    releases: dict[str, str] = g.setdefault("steelyard_release", {})
    if user not in releases:
        releases[user] = _pinned() or Client.from_environment().release(user)
    return releases[user]


def _pinned() -> str | None:
    guest = guest_token()
    if guest is not None:
        return str(guest["release"])
    on_a_page = has_request_context() and _BELONGS_TO_A_PAGE.match(request.path)
    pin = session.get(_PINNED) if on_a_page else None
    if not pin or time.time() - float(pin[1]) > _LONGEST_SECONDS:
        return None
    return str(pin[0])
