"""`make audit` passes on what was audited, and on nothing else."""

import importlib.util
import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT

SCRIPT = ROOT / ".ci" / "audit.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("audit_script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answer(*dependencies):
    return json.dumps({"dependencies": list(dependencies)})


CLEAN = {"name": "Flask.Login", "version": "1", "vulns": []}


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("", "nothing was audited: 1 packages"),
        ("{}", "nothing was audited"),
        (answer(), "1 of 1 packages were not audited: flask-login"),
        (answer({"name": "flask-login", "skip_reason": "no such package"}), "was skipped: no such package"),
        (answer(CLEAN | {"vulns": [{"id": "CVE-1"}]}), "CVE-1"),
        (answer(CLEAN), None),
    ],
)
def test_what_was_not_audited_does_not_pass(script, output, sentence):
    lines = script.problems({"flask-login"}, output)
    assert lines == [] if sentence is None else any(sentence in line for line in lines)


def test_every_pin_of_our_files_is_expected(script):
    for name in ("product", "dev", "superset"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        assert len(script.pins(text)) == sum("==" in line for line in text.splitlines())
    assert script.problems(set(), answer()) == ["the file pins nothing"]


def test_without_a_database_it_fails_and_says_so(tmp_path):
    """As on a machine without internet: the proxy refuses."""
    (tmp_path / "pins.txt").write_text("flask==3.0.0\n")
    environment = dict.fromkeys(
        ("https_proxy", "http_proxy", "HTTPS_PROXY", "HTTP_PROXY"), "http://127.0.0.1:9"
    )
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path / "pins.txt")],
        env=environment | {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "not audited" in done.stdout
