"""Superset as this machine starts it: its own environment, secrets below `var`, people of the directory."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue

from api.auth.service_keys import SUPERSET_SERVICE, service_key_file, write_private
from api.errors import DashboardsFailedError, DashboardsNotInstalledError
from api.settings import Settings
from api.wiring import Services

ADMIN = "admin"
_CONFIG = Path(__file__).resolve().parents[2] / "dashboards" / "superset_config.py"
_SYNC_SECONDS = 600


class RemovedMetric(BaseModel):
    """A metric that is no longer defined, and the charts that showed it."""

    metric: str
    charts: list[str]


class WaitingChart(BaseModel):
    """A chart that waits for data or a definition."""

    dashboard: str
    chart: str
    missing: list[str]


class Provisioned(BaseModel):
    """What was brought up to date in Superset."""

    model_config = ConfigDict(extra="allow")

    changed: bool
    dashboards: list[JsonValue]
    charts: int
    metrics: int
    seconds: float
    removed_metrics: list[RemovedMetric]
    waiting: list[WaitingChart]
    problems: list[str]


@dataclass(frozen=True)
class Dashboards:
    """One installation of Superset: `home` holds its metadata database, secrets, cache and passwords."""

    settings: Settings
    services: Services

    @property
    def home(self) -> Path:
        return self.settings.superset_home

    @property
    def python(self) -> Path:
        return self.settings.superset_venv.absolute() / "bin" / "python"

    @property
    def is_installed(self) -> bool:
        return self.python.exists()

    @property
    def url(self) -> str:
        return f"http://{self.settings.host}:{self.settings.superset_port}"

    @property
    def api_url(self) -> str:
        return f"http://{self.settings.host}:{self.settings.api_port}"

    def environment(self) -> dict[str, str]:
        """What Superset's process gets to know; makes the secrets and the service's key on first use."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in ("secret_key", "guest_secret"):
            _once(self.home / name, secrets.token_urlsafe(48))
        key = service_key_file(
            self.settings.var_dir / "keys",
            SUPERSET_SERVICE,
            ["delegate"],
            store=self.services.store,
            directory=self.services.directory,
        )
        return {
            "SUPERSET_CONFIG_PATH": str(_CONFIG),
            "FLASK_APP": "superset",
            "STEELYARD_API_URL": self.api_url,
            "STEELYARD_SERVICE_KEY_FILE": str(key.resolve()),
            "STEELYARD_SUPERSET_HOME": str(self.home),
            "STEELYARD_SUPERSET_EMBED_DOMAINS": self.settings.superset_embed_domains,
            "PYTHONPATH": str(_CONFIG.parent),
        }

    def command(self) -> list[str]:
        """Gunicorn on this machine's address."""
        where = f"{self.settings.host}:{self.settings.superset_port}"
        command = [str(self.python), "-m", "gunicorn", "--workers", str(self.settings.superset_workers)]
        command += ["--worker-class", "gthread", "--threads", "8", "--timeout", "120", "--bind", where]
        return [*command, "--limit-request-line", "0", "superset.app:create_app()"]

    def people(self) -> list[dict[str, str]]:
        """Whom the service may act for, and Superset's administrator, who sees no numbers."""
        roles = self.services.directory.roles_delegable_to(SUPERSET_SERVICE)
        accounts = [self.services.directory.user(name) for name in sorted(self.services.directory.users)]
        everyone = [(person.user, person.role) for person in accounts if person.role in roles]
        return [
            {"name": name, "role": role, "password": self.password(name)}
            for name, role in [(ADMIN, ADMIN), *everyone]
        ]

    def password(self, user: str) -> str:
        """The generated password of a demo user, kept in a file of its own, mode 0600."""
        folder = self.home / "passwords"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _once(folder / user, secrets.token_urlsafe(12))

    def sync(self, report: Callable[[str], None], *, force: bool = False) -> Provisioned:
        """Bring the dashboards to the definitions that the running API serves; what was done.

        Raises DashboardsNotInstalledError, or DashboardsFailedError with Superset's own words.
        """
        if not self.is_installed:
            raise DashboardsNotInstalledError(
                f"Superset is not installed in {self.settings.superset_venv}.",
                hint="`make setup-superset` does.",
            )
        environment = self.environment()
        people = self.home / "people.json"
        write_private(people, json.dumps(self.people()))
        command = [str(self.python), "-m", "superset_steelyard.provision", "--people", str(people)]
        command += ["--site", self.api_url, *(["--force"] if force else [])]
        log = self.settings.var_dir / "logs" / "superset-sync.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        status, output = _run(command, os.environ | environment, log, report)
        outcome = _outcome(output)
        if status != 0 or isinstance(outcome, str):
            problems = [outcome] if isinstance(outcome, str) else outcome.problems
            raise DashboardsFailedError(
                f"The dashboards could not be brought up to date. {' '.join(problems)}".strip(),
                hint=f"`steelyard serve` has to run meanwhile; what happened is in {log}.",
            )
        return outcome


def _run(
    command: list[str], environment: dict[str, str], log: Path, report: Callable[[str], None]
) -> tuple[int, str]:
    """Exit status and standard output; each line of progress is reported and kept."""
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        late = threading.Timer(_SYNC_SECONDS, process.kill)
        late.start()
        output: list[str] = []
        reader = threading.Thread(target=lambda: output.extend(process.stdout or ()))
        reader.start()
        with log.open("a") as log_file:
            for line in process.stderr or ():
                log_file.write(line)
                if line.strip() and not line.startswith((" ", "Traceback")):
                    report(line.strip()[:100])
        reader.join()
        late.cancel()
        return process.wait(), "".join(output)


def _outcome(output: str) -> Provisioned | str:
    """The report of the last line that is one; the error, if that is what it says."""
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            report = json.loads(line)
            return str(report["error"]) if "error" in report else Provisioned.model_validate(report)
    return "Superset ended without a report."


def _once(path: Path, text: str) -> str:
    """The file's text; made of `text`, readable by its owner only, if it does not exist."""
    if not path.exists():
        write_private(path, text)
    return path.read_text().strip()
