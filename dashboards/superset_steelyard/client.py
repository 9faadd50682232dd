"""The API as this driver calls it: one service key, always on behalf of a person.

Where the API is and which key opens it come from the server's environment, never from a connection form:
whoever may edit connections in Superset can neither read the key nor send it elsewhere.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import requests

from .errors import InterfaceError, OperationalError, ProgrammingError
from .json_types import Dimension, Metric

API_URL = "STEELYARD_API_URL"
KEY_FILE = "STEELYARD_SERVICE_KEY_FILE"
ARROW = "application/vnd.apache.arrow.stream"
ON_BEHALF_OF = "Steelyard-On-Behalf-Of"
_TIMEOUT_SECONDS = 60
_REFUSED_FROM = 500
# The API does not tell what is hidden from what is not there; charts name either.
_UNKNOWN_METRIC = re.compile(r"^The metric (\w+) does not exist\.")


@dataclass
class Client:
    """Calls `url` with the key in `key_file`, which is read again at each call so that it can be renewed."""

    url: str
    key_file: Path
    _local: threading.local = field(default_factory=threading.local, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Client:
        """Raises InterfaceError, naming the variable, if one is missing."""
        for name in (API_URL, KEY_FILE):
            if not environment.get(name):
                raise InterfaceError(f"The environment variable {name} is not set.")
        return cls(environment[API_URL].rstrip("/"), Path(environment[KEY_FILE]))

    def sql(self, sql: str, user: str, release: str | None = None) -> tuple[pa.Table, str]:
        """The rows of semantic SQL as this person may see them, and the release that answered."""
        body = {"sql": sql} | ({"release": release} if release else {})
        answer = self._call("POST", "/v1/sql", user, json=body, headers={"Accept": ARROW})
        table = pa.ipc.open_stream(answer.content).read_all()
        return table, answer.headers["X-Steelyard-Release"]

    def release(self, user: str) -> str:
        """The release that is published now. Touches no data."""
        return self.sql("SELECT 1 AS one FROM metrics WHERE false", user)[1]

    def as_of(self, user: str, release: str) -> dt.date | None:
        """The newest day of a release's data; None if it has none. Touches no data."""
        body = {"sql": "SELECT 1 AS one FROM metrics WHERE false", "release": release}
        day = self._call("POST", "/v1/sql", user, json=body).json().get("as_of")
        return dt.date.fromisoformat(day) if day else None

    def metrics(self, user: str) -> list[Metric]:
        """Every metric that the person may see, with its definition."""
        return list(self._call("GET", "/v1/metrics", user).json()["items"])

    def dimensions(self, user: str, metrics: tuple[str, ...] = ()) -> list[Dimension]:
        """Every dimension that the person may see, of all of `metrics` if some are given."""
        answer = self._call("GET", "/v1/dimensions", user, params={"metrics": list(metrics)})
        return list(answer.json()["items"])

    def _call(
        self, method: str, path: str, user: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> requests.Response:
        if not user:
            raise InterfaceError("Nobody is signed in.")
        try:
            key = self.key_file.read_text().strip()
        except OSError as error:
            raise OperationalError("The service key of the dashboards cannot be read.") from error
        sent = {"Authorization": f"Bearer {key}", ON_BEHALF_OF: user, **(headers or {})}
        try:
            answer = self._session().request(
                method, self.url + path, headers=sent, timeout=_TIMEOUT_SECONDS, allow_redirects=False, **more
            )
        except requests.RequestException as error:
            raise OperationalError("The metrics service does not answer.") from error
        if answer.ok:
            return answer
        raise _refusal(answer)

    def _session(self) -> requests.Session:
        """One per thread: sessions are not meant to be shared, connections are worth keeping."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env = False
        return session


def _refusal(answer: requests.Response) -> OperationalError | ProgrammingError:
    try:
        problem = dict(answer.json())
    except ValueError:
        problem = {}
    sentences = [str(problem.get(part) or "").strip() for part in ("detail", "hint")]
    text = " ".join(part if part.endswith((".", "?", "!")) else f"{part}." for part in sentences if part)
    text = _UNKNOWN_METRIC.sub(r"\1 is not open to your role, or is no longer defined.", text)
    kind = OperationalError if answer.status_code >= _REFUSED_FROM else ProgrammingError
    return kind(text or f"The metrics service answered with status {answer.status_code}.")
