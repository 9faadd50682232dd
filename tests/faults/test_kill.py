"""kill -9 at seeded points of ingest, build, publish, train, decide and audit.

After each kill readers see the old state or the new one, whole; the job run again leaves what an undisturbed
one leaves, rows, digests and files. A few points of each are tried here; `STEELYARD_FAULT_POINTS=50` tries
fifty of each, `make test-full` ten. The seed is printed; `STEELYARD_TEST_SEED` sets it.
"""

from __future__ import annotations

import os
import shutil

import pytest

from tests.faults import scene_decide, scene_ingest, scene_release, scene_train
from tests.faults.kill import answer_of, points, run, run_and_kill
from tests.faults.scenes import Scene
from tests.seeds import sample

HERE = {
    scene_ingest.SCENE: 4,
    scene_release.BUILD: 2,
    scene_release.PUBLISH: 3,
    scene_train.FIRST: 1,
    scene_train.AGAIN: 1,
    scene_decide.DECIDE: 5,
    scene_decide.AUDIT: 5,
}
POINTS = int(os.environ.get("STEELYARD_FAULT_POINTS") or sample(0, full=10))


@pytest.mark.timeout(600 + 300 * POINTS)
@pytest.mark.parametrize("scene", HERE, ids=lambda scene: scene.name)
def test_killed_at_any_point_and_run_again(scene: Scene, tmp_path):
    here, start = tmp_path / "here", tmp_path / "start"  # one place: paths are written down
    here.mkdir()
    run(scene.prepare, here)
    shutil.copytree(here, start, symlinks=True)
    before = answer_of(scene.state, here)
    undisturbed = run(scene.job, here)
    after = answer_of(scene.state, here)
    chosen = points(scene.name, undisturbed, POINTS or HERE[scene])
    killed = 0
    for point in chosen:
        shutil.rmtree(here)
        shutil.copytree(start, here, symlinks=True)
        killed += run_and_kill(scene.job, here, point).was_killed
        answer_of(scene.between, here, before, after)
        run(scene.job, here)
        assert answer_of(scene.state, here) == after, f"{scene.name} killed at {point}"
    things, seconds = len(undisturbed.moments), undisturbed.moments[-1]
    print(f"{scene.name}: {killed} of {len(chosen)} killed, {things} things in {seconds:.2f} s")
    assert killed >= len(chosen) * 7 // 10  # a pause may outlast the job
