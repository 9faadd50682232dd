"""`steelyard backup` and `steelyard restore` as a person or script meets them."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def steelyard(var_dir, *arguments, at):
    done = subprocess.run(
        [str(Path(sys.executable).parent / "steelyard"), *arguments],
        capture_output=True, text=True, check=False, cwd=at,
        env={"STEELYARD_VAR_DIR": str(var_dir), "PYTHONPATH": str(ROOT), "PATH": os.defpath},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_there_and_back(state, tmp_path):
    status, out, err = steelyard(state.var_dir, "backup", "--json", at=tmp_path)
    assert status == 0, err
    report = json.loads(out)
    assert report["includes_secrets"] is True and Path(report["archive"]).parent == tmp_path.resolve()
    status, out, err = steelyard(state.var_dir, "restore", report["archive"], at=tmp_path)
    assert status == 1 and "state-not-empty" in err and "--force" in err and "Traceback" not in err
    status, out, err = steelyard(tmp_path / "new", "restore", report["archive"], "--json", at=tmp_path)
    restored = json.loads(out)
    failed = [f for f in restored["findings"] if f["level"] == "failed"]
    assert (status, failed) == (0, []), err
    assert {"landing", "release content", "model artifacts"} <= {f["subject"] for f in restored["findings"]}
    assert restored["files"] == report["files"] and restored["moved_aside"] == []


def test_people_are_told_about_secrets_and_about_what_was_there(state, tmp_path):
    archive = tmp_path / "b.tar"
    status, out, err = steelyard(state.var_dir, "backup", "--to", str(archive), at=tmp_path)
    assert status == 0 and "Keys and passwords are in it" in out, err
    status, out, err = steelyard(state.var_dir, "restore", str(archive), "--force", at=tmp_path)
    assert status == 0 and "before-restore-" in out and "landing" in out, err


def test_a_mistake_is_a_sentence(state, tmp_path):
    status, _, err = steelyard(state.var_dir, "restore", "nothing.tar", "--force", at=tmp_path)
    assert status == 1 and "nothing.tar" in err and "Traceback" not in err
    status, _, err = steelyard(tmp_path / "none", "backup", at=tmp_path)
    assert status == 1 and "no state" in err and "Traceback" not in err
