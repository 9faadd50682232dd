"""A real API and a real Superset on the demo's release, with state of their own, on free ports."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import requests

from api.auth.sign_in import local_issuer
from api.servers.superset import Dashboards
from api.settings import Settings
from api.wiring import Services

ROOT = Path(__file__).resolve().parents[2]
DATASET = {"id": 1, "type": "table"}


@dataclass
class Site:
    """Where both are, and how to get in."""

    settings: Settings
    dashboards: Dashboards
    logs: Path
    host_port: int
    """Where the tests serve pages of another site, which may show dashboards."""

    @property
    def host_url(self) -> str:
        return f"http://127.0.0.1:{self.host_port}"

    @property
    def url(self) -> str:
        return self.dashboards.url

    def password(self, user: str) -> str:
        return self.dashboards.password(user)

    def role(self, user: str) -> str:
        return self.dashboards.services.directory.user(user).role

    def queries(self) -> int:
        """How many questions have reached the API so far."""
        return (self.logs / "api.log").read_text().count('"POST /v1/sql HTTP/1.1" 200')

    def metric_query(self, user: str, metrics: list[str], **more: object) -> list[list[object]]:
        """Rows of a metric query with the user's own token, past Superset."""
        answer = httpx.post(
            f"{self.dashboards.api_url}/v1/query",
            json={"metrics": metrics, **more},
            headers={"Authorization": f"Bearer {token(self, user)}"},
            timeout=60,
        )
        assert answer.is_success, answer.text
        return list(answer.json()["rows"])

    def sign_in(self, user: str) -> requests.Session:
        """A session with cookies, as a browser has one."""
        session = requests.Session()
        session.trust_env = False
        page = session.get(f"{self.url}/login/").text
        form_token = re.search(r'csrf_token[^>]*value="([^"]+)"', page) or re.search(
            r"csrf_token&#34;: &#34;([^&]+)&#34;", page
        )
        assert form_token, "no sign-in form"
        form = {"username": user, "password": self.password(user)}
        done = session.post(
            f"{self.url}/login/",
            data=form | {"csrf_token": form_token.group(1)},
            headers={"Referer": f"{self.url}/login/"},
        )
        assert not done.url.rstrip("/").endswith("login"), f"{user} could not sign in"
        fresh = session.get(f"{self.url}/api/v1/security/csrf_token/").json()["result"]
        session.headers.update({"X-CSRFToken": fresh, "Referer": self.url})
        return session

    def chart(self, session: requests.Session, metrics: list[str], **more: object) -> requests.Response:
        """What a chart asks Superset for; `as_csv=True` for the download."""
        form = "csv" if more.pop("as_csv", False) else "json"
        query = {"metrics": metrics, "columns": [], "filters": [], "extras": {}, "row_limit": 1000, **more}
        body = {"datasource": DATASET, "force": False, "queries": [query]}
        return session.post(
            f"{self.url}/api/v1/chart/data", json=body | {"result_format": form, "result_type": "full"}
        )

    def sql_lab(self, session: requests.Session, sql: str) -> requests.Response:
        """What somebody types into SQL Lab."""
        body = {"database_id": 1, "sql": sql, "schema": "main", "client_id": os.urandom(5).hex()}
        return session.post(
            f"{self.url}/api/v1/sqllab/execute/", json=body | {"runAsync": False, "queryLimit": 1000}
        )


def token(site: Site, user: str) -> str:
    """The user's own token for the API, past Superset."""
    return local_issuer(site.settings).issue(user, now=datetime.now(UTC))


@contextmanager
def running(release: Path, folder: Path) -> Iterator[Site]:
    """Both servers for the block; `folder` becomes their state, on a copy of the demo's release."""
    (folder / "releases").mkdir(parents=True)
    (folder / "releases" / release.name).symlink_to(release)
    (folder / "current").symlink_to(f"releases/{release.name}")
    host_port = free_port()
    settings = Settings(
        var_dir=folder,
        superset_embed_domains=f"http://127.0.0.1:{host_port}",
        api_port=free_port(),
        superset_port=free_port(),
        superset_venv=Path(os.environ.get("STEELYARD_SUPERSET_VENV", ROOT / ".venv-superset")),
    )
    services = Services.from_settings(settings)
    dashboards = Dashboards(settings, services)
    assert dashboards.is_installed, "no Superset: make setup-superset"
    logs = folder / "logs"
    logs.mkdir()
    processes = []
    try:
        environment = {"STEELYARD_VAR_DIR": str(folder)}
        environment["STEELYARD_SUPERSET_EMBED_DOMAINS"] = settings.superset_embed_domains
        environment["STEELYARD_SUPERSET_PORT"] = str(settings.superset_port)
        api = [sys.executable, "-m", "uvicorn", "api.app:create_app", "--factory"]
        api += ["--port", str(settings.api_port)]
        processes.append(start(api, environment, logs / "api.log"))
        wait(f"{dashboards.api_url}/healthz", processes[-1], logs / "api.log")
        dashboards.sync(print)
        superset = start(dashboards.command(), dashboards.environment(), logs / "superset.log")
        processes.append(superset)
        wait(f"{dashboards.url}/health", superset, logs / "superset.log")
        yield Site(settings, dashboards, logs, host_port)
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(20)
        services.close()


def start(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """A server of the tests; what it says goes into `log`."""
    with log.open("ab") as file:
        return subprocess.Popen(command, env=os.environ | environment, stdout=file, stderr=file, cwd=ROOT)


def wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until it answers; fails with its last words where it ends before."""
    deadline = time.monotonic() + 150
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            if httpx.get(url, timeout=2).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.3)
    raise AssertionError(f"{url} did not answer: {log.read_text()[-3000:]}")


def free_port() -> int:
    """One that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
