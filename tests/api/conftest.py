"""The real application on the demo's release, and the real command line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from tests.conftest import ROOT


@pytest.fixture(scope="package")
def settings(release_dir, var_dir, tmp_path_factory):
    """The demo's releases and models, with an ops store and keys of our own."""
    ours = tmp_path_factory.mktemp("var")
    for name in ("releases", "mlflow"):
        (ours / name).symlink_to(var_dir / name)
    (ours / "current").symlink_to(f"releases/{release_dir.name}")
    return Settings(var_dir=ours)


@pytest.fixture(scope="package")
def client(settings):
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="package")
def sign_in(settings):
    """Headers of a demo user."""
    from datetime import UTC, datetime

    from api.auth.sign_in import local_issuer

    issuer = local_issuer(settings)
    return lambda user: {"Authorization": f"Bearer {issuer.issue(user, now=datetime.now(UTC))}"}


@pytest.fixture(scope="package")
def cli(settings):
    """Run `steelyard …`; returns exit status, standard output and standard error."""

    def run(*arguments, as_json=True):
        command = [str(Path(sys.executable).parent / "steelyard"), *arguments]
        done = subprocess.run(
            command + (["--json"] if as_json else []),
            capture_output=True,
            text=True,
            env={
                "STEELYARD_VAR_DIR": str(settings.var_dir),
                "PYTHONPATH": str(ROOT),  # this checkout's code, wherever the script was installed from
                "PATH": "/usr/bin:/bin",
                "COLUMNS": "200",
            },
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def answer(*arguments):
        status, out, err = run(*arguments)
        assert status == 0, err
        return json.loads(out)

    run.answer = answer
    return run
