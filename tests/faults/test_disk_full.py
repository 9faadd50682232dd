"""A full disk stops ingest, build, publish and decisions with a clear refusal, and nothing half-done is used.

A small tmpfs where one can be mounted; everywhere, a limit on the size of a file, which fails alike. Once
there is space again, the job leaves what it leaves undisturbed.
"""

from __future__ import annotations

import errno
import json
import os
import random
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from api.services.lineage_events import LineageEvents
from api.settings import Settings
from governance.approvals import decide
from governance.disk import raise_on_disk_full
from governance.errors import DiskFullError, StoreUnavailableError
from governance.identity import Directory
from governance.store import OpsStore, audit
from tests.faults import scene_decide, scene_ingest, scene_release
from tests.faults.kill import NEVER, answer_of, run, run_and_kill
from tests.faults.scenes import Scene
from tests.seeds import seeded

REFUSALS = {"disk-full", "store-unavailable", "release-build-failed"}
SCENES = (scene_ingest.SCENE, scene_release.BUILD, scene_decide.DECIDE)
TIMES = {"build": 1}


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_no_file_may_grow_beyond_a_limit(scene: Scene, tmp_path):
    """Limits drawn between nothing and the largest file that the job leaves."""
    largest = _prepared(scene, tmp_path)

    def attempt(here: Path, rng: random.Random, share: float) -> str:
        limit = rng.randrange(0, int(largest * share))
        return run_and_kill(scene.job, here, NEVER, partial(_limit_file_size, limit)).error

    _survives(scene, tmp_path, attempt)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_the_disk_is_full(scene: Scene, small_disk):
    """Free space drawn between nothing and what the job needs."""
    before = _used(small_disk)
    _prepared(scene, small_disk)
    needs = max(_used(small_disk) - before, 1 << 16)
    ballast = small_disk / "ballast"

    def attempt(here: Path, rng: random.Random, share: float) -> str:
        _fill(ballast, leaving=rng.randrange(0, int(needs * share / 4)))
        try:
            return run_and_kill(scene.job, here, NEVER, _be_silent).error
        finally:
            ballast.unlink()

    _survives(scene, small_disk, attempt)


def _prepared(scene: Scene, folder: Path) -> int:
    """`start`, `expected.json` and `here` below the folder. Returns the size of the largest file."""
    here = folder / "here"
    here.mkdir()
    run(scene.prepare, here)
    shutil.copytree(here, folder / "start", symlinks=True)
    run(scene.job, here)
    return max(path.stat().st_size for path in here.rglob("*") if path.is_file())


def _survives(scene: Scene, folder: Path, attempt: Callable[[Path, random.Random, float], str]) -> None:
    """`attempt` gets a share of the space to draw from: less and less, until one was refused."""
    rng = seeded(scene.name)
    here, start = folder / "here", folder / "start"
    after, before, refused = answer_of(scene.state, here), None, []
    for number in range(6):
        if number >= TIMES.get(scene.name, 2) and any(refused):
            break
        shutil.rmtree(here)
        shutil.copytree(start, here, symlinks=True)
        before = before or answer_of(scene.state, here)
        error = attempt(here, rng, 4.0 ** -max(0, number - 1))
        assert not error or error in REFUSALS, error
        refused.append(error)
        answer_of(scene.between, here, before, after)
        run(scene.job, here)
        assert answer_of(scene.state, here) == after
    print(f"{scene.name}: {refused}")
    assert any(refused), "there was space enough every time"


def test_a_decision_whose_head_cannot_be_anchored_stands_and_nothing_follows_it(tmp_path):
    """The disk gives out between the commit and the anchor, in the middle of its line."""
    anchor = tmp_path / "ops.db.audit-anchor"
    run(scene_decide.prepare_decide, tmp_path)
    with anchor.open("a") as file:
        file.write("\n" * 4_000_000)  # so that the anchor alone is near the limit, not the database
    answers = answer_of(_decide_twice_beside_a_full_anchor, tmp_path, anchor.stat().st_size + 20)
    assert answers == ("approved", "store-unavailable", (True, ""))
    assert anchor.read_text().splitlines()[-1][:2].strip().isdigit()  # the torn beginning of the line
    store = OpsStore(f"sqlite:///{tmp_path}/ops.db")
    decide(store, Directory.load().user("planner_east"), "r1", "approve", now=scene_decide.NOW)
    assert audit.verify(store).holds
    assert max(store.anchor.leading_hashes()) == audit.verify(store).rows
    store.close()


def _decide_twice_beside_a_full_anchor(root: Path, limit: int) -> tuple[str, str, tuple[bool, str]]:
    store, planner = scene_decide.store_of(root), Directory.load().user("planner_east")
    _limit_file_size(limit)
    first = decide(store, planner, "r0", "approve", now=scene_decide.NOW)
    try:
        decide(store, planner, "r1", "approve", now=scene_decide.NOW)
    except StoreUnavailableError as refused:
        report = audit.verify(store)
        return first.state, refused.code, (report.holds, report.problem)
    return first.state, "decided", (False, "")


def test_events_stop_nothing_and_leave_no_half_line(tmp_path):
    events = tmp_path / "openlineage" / "events.ndjson"
    answer_of(_tell, tmp_path, 0)
    whole = events.stat().st_size
    for more in (1, whole // 2, whole - 1):  # into the first, a middle and the last byte of the next event
        answer_of(_tell, tmp_path, whole + more)
        answer_of(_tell, tmp_path, 0)
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    assert len(lines) >= 4 * 2
    assert {line["eventType"] for line in lines} == {"START", "COMPLETE"}


def _tell(root: Path, limit: int) -> None:
    from datetime import UTC, datetime

    if limit:
        _limit_file_size(limit)
    makes = [f"recommendation.r{i}" for i in range(200)]  # an event of several blocks
    tell = LineageEvents(Settings(var_dir=root))
    tell.ran("job", "key", reads=[], makes=makes, since=datetime(2026, 1, 5, tzinfo=UTC), release="R1")


def test_decisions_that_could_not_be_told_are_told_later(tmp_path):
    run(scene_decide.prepare_decide, tmp_path)
    run_and_kill(_decide_and_fail_to_tell, tmp_path, NEVER)
    assert not (tmp_path / "openlineage" / "decisions.seq").exists()
    run(scene_decide.decide_all, tmp_path)
    lines = [json.loads(x) for x in (tmp_path / "openlineage" / "events.ndjson").read_text().splitlines()]
    assert len({line["run"]["runId"] for line in lines}) == scene_decide.PROPOSED


def _decide_and_fail_to_tell(root: Path) -> None:
    store = scene_decide.store_of(root)
    decide(store, Directory.load().user("planner_east"), "r0", "approve", now=scene_decide.NOW,
           idempotency_key="key-0")  # fmt: skip
    store.close()
    _limit_file_size(0)
    assert LineageEvents(Settings(var_dir=root)).decided(scene_decide.store_of(root)) == 0


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_other_errors_are_not_taken_for_a_full_disk(number):
    with pytest.raises(DiskFullError), raise_on_disk_full("work"):
        raise OSError(number, os.strerror(number))
    with pytest.raises(PermissionError), raise_on_disk_full("work"):
        raise PermissionError(errno.EACCES, "no")


def _limit_file_size(most_bytes: int) -> None:
    _be_silent()  # what is printed may go to a file, too
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))


def _be_silent() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of 64 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no tmpfs can be mounted here (root only); the limit on files, above, does the same")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def _used(disk: Path) -> int:
    disk_space = os.statvfs(disk)
    return (disk_space.f_blocks - disk_space.f_bfree) * disk_space.f_frsize


def _fill(ballast: Path, leaving: int) -> None:
    disk_space = os.statvfs(ballast.parent)
    with ballast.open("wb") as file:
        file.write(b"\0" * max(disk_space.f_bfree * disk_space.f_frsize - leaving, 0))
