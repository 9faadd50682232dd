"""Two of everything at once: the one runs to its end, the other is refused by name and changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from api.settings import Settings
from governance.releases import ReleaseBusyError, ReleaseStore
from tests.conftest import ROOT
from tests.faults import scene_ingest, scene_release
from tests.faults.kill import answer_of, run
from tests.faults.scene_release import state
from tests.faults.small_shop import shop


@pytest.mark.parametrize(
    ("command", "busy"),
    [(["release", "build", "--full"], "release-busy"), (["ingest", "run"], "landing-busy")],
    ids=["build", "ingest"],
)
def test_two_command_lines(tmp_path, command, busy):
    """Two real processes that start together; both may end well only one after the other."""
    run(scene_release.prepare_build, tmp_path)
    settings = shop(tmp_path)
    if command[0] == "ingest":
        command = [*command, "--source", settings.source]
        _add_sales(Path(settings.source), 60)
    both = [_start(settings, *command) for _ in range(2)]
    ended = [_end(process) for process in both]
    assert 0 in [status for status, _ in ended]
    for status, error in ended:
        assert status == 0 or json.loads(error)["error"]["code"] == busy, error
    store = ReleaseStore(settings.var_dir)
    assert not list(store.folder.glob(".building-*"))
    assert [r.release_id for r in store.list()] == store.ids()
    if command[0] == "ingest":
        rows = answer_of(scene_ingest.rows, settings.landing, Path(settings.source))
        ids = [row[0] for row in rows["sales_lines"]]
        assert (len(ids), len(set(ids))) == (900 + 450, 900)  # the second half once more, in other cuts
    else:
        assert len(answer_of(state, tmp_path)["releases"]) in (2, 3)


def test_a_second_build_does_not_touch_the_first_ones_folder(tmp_path):
    """It would sweep it as the folder of a build that died."""
    store = ReleaseStore(tmp_path)
    with pytest.raises(RuntimeError, match="enough"), store.building("a" * 64) as work:
        with pytest.raises(ReleaseBusyError, match="Another process is building"), store.building("b" * 64):
            pytest.fail("two builds at once")
        assert work.is_dir()
        raise RuntimeError("enough")
    with store.building("c" * 64) as work:
        (work / "warehouse.duckdb").write_text("x")
    assert len(store.ids()) == 1


def test_two_pipelines(tmp_path):
    """The second is refused while the first runs, whatever the first is doing."""
    run(scene_release.prepare_build, tmp_path)
    settings = shop(tmp_path)
    first = _start(settings, "pipeline", "run")
    lock = settings.var_dir / "pipeline.lock"
    deadline = time.monotonic() + 60
    while not lock.exists() and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    status, error = _end(_start(settings, "pipeline", "run"))
    still_running = first.poll() is None
    _end(first)  # without features, training refuses; what was recorded is built in all the same
    assert not still_running or (status, _code(error)) == (1, "pipeline-busy")
    final = answer_of(state, tmp_path)
    half, whole, with_records = [release["rows"] for release in final["releases"]]
    assert (len(half["fct_sales"]), len(whole["fct_sales"])) == (450, 900)
    assert with_records == whole, "no model of this shop reads what the platform recorded"
    assert final["serving"] == "2"
    landed = [
        row[0] for row in answer_of(scene_ingest.rows, settings.landing, Path(settings.source))["sales_lines"]
    ]
    assert len(landed) == len(set(landed)) == 900


def _code(error: str) -> str:
    return str(json.loads(error.strip().splitlines()[-1])["error"]["code"])


def _add_sales(folder: Path, files: int) -> None:
    """The same lines again in other cuts, so that an ingest takes a while."""
    lines = (folder / "sales_lines" / "more.csv").read_text().splitlines()
    (folder / "sales_lines" / "more.csv").unlink()
    for i in range(files):
        part = "\n".join([lines[0], *lines[1 + i :: files]])
        (folder / "sales_lines" / f"part{i}.csv").write_text(part + "\n")


def _start(settings: Settings, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(Path(sys.executable).parent / "steelyard"), *arguments, "--json"],
        env=os.environ | {
            "STEELYARD_VAR_DIR": str(settings.var_dir),
            "STEELYARD_PROJECT_DIR": str(settings.project_dir),
            "STEELYARD_SOURCE": settings.source,
            "PYTHONPATH": str(ROOT),
        },
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def _end(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, error = process.communicate(timeout=200)
    return process.returncode, error
