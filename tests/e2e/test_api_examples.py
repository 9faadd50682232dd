"""The example scripts of the documentation, run as an integrator would: against a server, with a token."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from api.auth.sign_in import directory_of, local_issuer
from governance.store import OpsStore
from tests.api.review.served import served, state_of_its_own
from tests.conftest import ROOT

EXAMPLES = ROOT / "docs" / "examples" / "api"


@pytest.fixture(scope="module")
def state(var_dir, release_dir, tmp_path_factory):
    """The demo's release and proposals; what the examples decide stays here."""
    settings = state_of_its_own(tmp_path_factory.mktemp("var"), var_dir, release_dir)
    _copy_of(var_dir / "ops.db", settings.var_dir / "ops.db")
    _copy_of_key(var_dir / "keys" / "audit", settings.var_dir / "keys" / "audit")
    return settings


@pytest.fixture(scope="module")
def run(state):
    with served(state) as url:

        def example(script, user):
            person = directory_of(state).user(user)
            token = local_issuer(state).issue(person.user, now=datetime.now(UTC), lifetime=timedelta(hours=1))
            done = subprocess.run(
                [*([sys.executable] if script.endswith(".py") else ["bash"]), str(EXAMPLES / script)],
                env=os.environ | {"STEELYARD_URL": url, "STEELYARD_TOKEN": token},
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        yield example


def _copy_of(source, target):
    with sqlite3.connect(source) as ours, sqlite3.connect(target) as theirs:
        ours.backup(theirs)
    anchor = source.with_name("ops.db.audit-anchor")
    target.with_name(anchor.name).write_bytes(anchor.read_bytes())


def _copy_of_key(source, target):
    target.parent.mkdir(exist_ok=True)
    shutil.copy2(source, target)


def test_ask_with_curl(run):
    output = run("ask.sh", "executive")
    assert '"release"' in output and "East" in output and output.count("net_sales") == 2


def test_ask_with_python(run):
    output = run("ask.py", "executive")
    months = re.findall(r"^ +(\d{4}-\d\d)-01 ", output, flags=re.MULTILINE)
    assert months == [f"2017-{month:02d}" for month in range(1, 13)]
    assert "400 unknown-name" in output and "net_sales" in output.splitlines()[-1]


def test_decide_once(run, state):
    output = run("decide.py", "planner_east").splitlines()
    assert output[-1] == output[-2] and output[-1].startswith("200 ")
    assert "from source files" in output[-3]
    store = OpsStore(state.ops_store_url)
    with store.read() as connection:
        notes = connection.exec_driver_sql(
            "SELECT count(*) FROM decisions WHERE note LIKE '%docs/examples/api/decide.py'"
        ).scalar()
    store.close()
    assert notes == 1
