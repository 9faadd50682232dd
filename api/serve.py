"""Serve what the pipeline built: the API and the MLflow UI, until Ctrl-C.

Every server is a child process that we started and that we stop by its id.
"""

from __future__ import annotations

import configparser
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from api.errors import ServerFailed
from api.settings import Settings

_STARTUP_SECONDS = 90
_STOP_SECONDS = 10


@dataclass(frozen=True)
class Server:
    """One server: how it is started, where it answers, how one signs in."""

    name: str
    url: str
    health: str
    command: list[str]
    environment: dict[str, str]
    sign_in: str


def servers(settings: Settings) -> list[Server]:
    """What `serve` starts, in order."""
    return [_api(settings), _mlflow(settings)]


@contextmanager
def serving(settings: Settings) -> Iterator[list[Server]]:
    """Start every server, wait until each answers, stop them all on leaving. Raises ServerFailed."""
    chosen = servers(settings)
    for server in chosen:
        _refuse_taken_port(server)
    logs = settings.var_dir / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    running: list[subprocess.Popen[bytes]] = []
    try:
        for server in chosen:
            with (logs / f"{server.name.lower()}.log").open("ab") as log:
                process = subprocess.Popen(
                    server.command,
                    env=os.environ | server.environment,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            running.append(process)
        for server, process in zip(chosen, running, strict=True):
            _wait_until_it_answers(server, process, logs)
        yield chosen
    finally:
        _stop(running)


def wait_for_interrupt() -> None:
    """Return on Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
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


def _mlflow(settings: Settings) -> Server:
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
        "MLFLOW_FLASK_SERVER_SECRET_KEY": _secret(folder / "flask_secret"),
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


def _mlflow_auth(folder: Path) -> Path:
    """MLflow's own sign-in: no permission by default, one administrator with a generated password."""
    config = configparser.ConfigParser(interpolation=None)
    config["mlflow"] = {
        "default_permission": "READ",
        "database_uri": f"sqlite:///{(folder / 'auth.db').resolve()}",
        "admin_username": "admin",
        "admin_password": _secret(folder / "admin_password"),
        "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
    }
    path = folder / "auth.ini"
    path.touch(mode=0o600)
    with path.open("w") as file:
        config.write(file)
    return path.resolve()


def _secret(path: Path) -> str:
    """Read a secret, or make one of 256 bits, readable by its owner only."""
    if not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(32))
    return path.read_text()


def _refuse_taken_port(server: Server) -> None:
    host, port = httpx.URL(server.health).host, httpx.URL(server.health).port
    with socket.socket() as probe:
        if probe.connect_ex((host, port or 0)) == 0:
            name = server.name.upper()
            hint = f"Stop what listens there, or set STEELYARD_{name}_PORT to a free port."
            raise ServerFailed(f"{server.name} cannot start: port {port} is taken.", hint=hint)


def _wait_until_it_answers(server: Server, process: subprocess.Popen[bytes], logs: Path) -> None:
    hint = f"See {logs / (server.name.lower() + '.log')}."
    deadline = time.monotonic() + _STARTUP_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerFailed(f"{server.name} ended at start (exit status {process.returncode}).", hint=hint)
        try:
            if httpx.get(server.health, timeout=2).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.3)
    raise ServerFailed(f"{server.name} did not answer within {_STARTUP_SECONDS} s.", hint=hint)


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
