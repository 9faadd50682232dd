"""Serve what the pipeline built: the API, the dashboards and the MLflow UI, until Ctrl-C.

Every server is a child process that we started and that we stop by its id.
"""

from __future__ import annotations

import configparser
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from api.auth.secret import secret_in
from api.errors import ServerFailedError
from api.servers.superset import Dashboards
from api.settings import Settings
from api.wiring import Services

_STARTUP_SECONDS = 90
_STOP_SECONDS = 10


Report = Callable[[str], None]


@dataclass(frozen=True)
class Server:
    """One server: how it is started, where it answers, how one signs in."""

    name: str
    url: str
    health: str
    command: list[str]
    environment: dict[str, str]
    sign_in: str
    prepare: Callable[[Report], None] | None = field(default=None, repr=False)
    """Run before it is started, once the API answers."""


def servers(settings: Settings, services: Services) -> list[Server]:
    """What `serve` starts, in order. The dashboards only if Superset is installed."""
    dashboards = Dashboards(settings, services)
    chosen = [_api(settings), mlflow_server(settings)]
    return [*chosen, _superset(dashboards)] if dashboards.is_installed else chosen


@contextmanager
def serving(settings: Settings, report: Report = lambda _: None) -> Iterator[list[Server]]:
    """Start every server, those that need the API once it answers; wait for all; stop them on leaving.

    `report` hears what is happening. Raises ServerFailedError or DashboardsFailedError.
    """
    services = Services.from_settings(settings)
    logs = settings.var_dir / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    running: list[subprocess.Popen[bytes]] = []
    try:
        chosen = servers(settings, services)
        for server in chosen:
            _refuse_taken_port(server)
        at_once = [server for server in chosen if server.prepare is None]
        later = [server for server in chosen if server.prepare is not None]
        running += [_start(server, logs) for server in at_once]
        report(f"{at_once[0].name} …")
        _wait_until_it_answers(at_once[0], running[0], logs)
        for server in later:
            server.prepare(lambda what, name=server.name: report(f"{name}: {what} …"))  # type: ignore[misc]
            running.append(_start(server, logs))
        for server, process in zip([*at_once, *later], running, strict=True):
            report(f"{server.name} …")
            _wait_until_it_answers(server, process, logs)
        yield chosen
    finally:
        _stop(running)
        services.close()


def _start(server: Server, logs: Path) -> subprocess.Popen[bytes]:
    with (logs / f"{server.name.lower()}.log").open("ab") as log:
        return subprocess.Popen(
            server.command,
            env=os.environ | server.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def install_signal_handlers() -> None:
    """Ctrl-C and SIGTERM both interrupt, even if a shell started us in the background, deaf to Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def wait_for_interrupt() -> None:
    """Return on Ctrl-C or SIGTERM."""
    try:
        while True:
            signal.pause()
    except KeyboardInterrupt:
        return


def _api(settings: Settings) -> Server:
    url = f"http://{settings.host}:{settings.api_port}"
    command = [sys.executable, "-m", "uvicorn", "api.app:create_app", "--factory"]
    command += ["--host", settings.host, "--port", str(settings.api_port), "--no-server-header"]
    return Server("API", f"{url}/docs", f"{url}/healthz", command, {}, "steelyard auth token USER")


def mlflow_server(settings: Settings) -> Server:
    """MLflow's own pages over the registry, behind its own sign-in."""
    url = f"http://{settings.host}:{settings.mlflow_port}"
    folder = settings.var_dir / "mlflow"
    folder.mkdir(parents=True, exist_ok=True)
    config = _mlflow_auth(folder)
    command = [sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", "--workers", "1"]
    command += ["--host", settings.host, "--port", str(settings.mlflow_port)]
    command += ["--backend-store-uri", settings.mlflow_uri]
    command += ["--artifacts-destination", str(settings.mlflow_artifacts)]
    environment = {
        "MLFLOW_AUTH_CONFIG_PATH": str(config),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secret_in(folder / "flask_secret"),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    return Server(
        "MLflow",
        url,
        f"{url}/health",
        command,
        environment,
        f"admin, password in {folder / 'admin_password'}",
    )


def _superset(dashboards: Dashboards) -> Server:
    def prepare(report: Report) -> None:
        dashboards.sync(report)

    return Server(
        "Superset",
        dashboards.url,
        f"{dashboards.url}/health",
        dashboards.command(),
        dashboards.environment(),
        "steelyard dashboard password USER",
        prepare,
    )


def _mlflow_auth(folder: Path) -> Path:
    """MLflow's own sign-in: no permission by default, one administrator with a generated password."""
    config = configparser.ConfigParser(interpolation=None)
    config["mlflow"] = {
        "default_permission": "READ",
        "database_uri": f"sqlite:///{(folder / 'auth.db').resolve()}",
        "admin_username": "admin",
        "admin_password": secret_in(folder / "admin_password"),
        "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
    }
    path = folder / "auth.ini"
    path.touch(mode=0o600)
    with path.open("w") as file:
        config.write(file)
    return path.resolve()


def _refuse_taken_port(server: Server) -> None:
    host, port = httpx.URL(server.health).host, httpx.URL(server.health).port
    with socket.socket() as probe:
        try:
            is_taken = probe.connect_ex((host, port or 0)) == 0
        except OSError as error:
            hint = "Set STEELYARD_HOST to an address of this machine; 127.0.0.1 is reached from here alone."
            raise ServerFailedError(
                f"{server.name} cannot start: {host}: {error.strerror}.", hint=hint
            ) from error
        if is_taken:
            name = server.name.upper()
            hint = f"Stop what listens there, or set STEELYARD_{name}_PORT to a free port."
            raise ServerFailedError(f"{server.name} cannot start: port {port} is taken.", hint=hint)


def _wait_until_it_answers(server: Server, process: subprocess.Popen[bytes], logs: Path) -> None:
    hint = f"See {logs / (server.name.lower() + '.log')}."
    deadline = time.monotonic() + _STARTUP_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerFailedError(
                f"{server.name} ended at start (exit status {process.returncode}).", hint=hint
            )
        try:
            if httpx.get(server.health, timeout=2).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.3)
    raise ServerFailedError(f"{server.name} did not answer within {_STARTUP_SECONDS} s.", hint=hint)


def _stop(running: list[subprocess.Popen[bytes]]) -> None:
    for process in running:
        if process.poll() is None:
            process.terminate()
    for process in running:
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # the session that we started, children included
            process.wait()
