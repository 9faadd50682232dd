"""Steps run once, are reused when nothing changed, and a killed one runs again."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from api.errors import ApiError, PipelineBusyError, StepFailedError
from api.pipeline.checkpoint import only_one
from api.pipeline.runner import require_success, run_pipeline
from api.pipeline.step import Step
from api.settings import Settings
from tests.api.pipeline import steps_for_tests as toy


def step(function, fingerprint="same", **more):
    name = function.__name__
    return Step(name, name, function, toy.Runs, lambda settings: fingerprint, **more)


@pytest.fixture
def settings(tmp_path):
    return Settings(var_dir=tmp_path)


def run(settings, *steps, listener=lambda *what: None):
    return list(run_pipeline(settings, listener, steps))


def test_a_step_runs_once_and_is_reused_until_its_inputs_change(settings):
    heard = []
    (first,) = run(settings, step(toy.good), listener=lambda s, *what: heard.append(what))
    assert (first.reused, first.result) == (False, toy.Runs(runs=1))
    assert first.peak_mb > 5
    assert ("working", 1, 2) in heard
    (second,) = run(settings, step(toy.good))
    assert (second.reused, second.result) == (True, toy.Runs(runs=1))
    (third,) = run(settings, step(toy.good, fingerprint="changed"))
    assert (third.reused, third.result) == (False, toy.Runs(runs=2))


def test_a_result_that_no_longer_holds_is_made_again(settings):
    run(settings, step(toy.good))
    (again,) = run(settings, step(toy.good, still_holds=lambda settings, result: False))
    assert again.result == toy.Runs(runs=2)


def test_a_checkpoint_of_another_version_is_none(settings):
    run(settings, step(toy.good))
    (settings.var_dir / "pipeline" / "good.json").write_text('{"fingerprint": "same", "result": {"ran": 7}}')
    (again,) = run(settings, step(toy.good))
    assert (again.reused, again.result) == (False, toy.Runs(runs=2))


def test_a_refusal_keeps_its_code_and_hint_and_the_other_steps_run(settings):
    failed, done = run(settings, step(toy.refuses), step(toy.good))
    assert (failed.state, failed.result, failed.summary) == ("failed", None, "failed: the shelf is empty")
    assert (failed.error.code, failed.error.hint) == ("empty-shelf", "fill it")
    assert (done.state, done.result) == ("done", toy.Runs(runs=1))
    with pytest.raises(StepFailedError) as why:
        require_success([failed, done])
    assert why.value.message == "refuses failed; the other steps are done. the shelf is empty"
    assert (why.value.code, why.value.hint) == ("empty-shelf", "fill it")


def test_a_step_that_has_nothing_to_work_on_waits_and_is_no_failure(settings):
    (report,) = run(settings, step(toy.finds_nothing))
    assert (report.state, report.summary) == ("waits", "waits: three weeks are not enough")
    require_success([report])


def test_a_step_waits_for_one_that_failed_and_so_does_what_comes_after_it(settings):
    first, second = step(toy.good, after=("refuses",)), step(toy.dies_once, after=("good",))
    reports = run(settings, step(toy.refuses), first, second)
    assert [report.state for report in reports] == ["failed", "waits", "waits"]
    assert reports[1].summary == "waits: 'refuses' did not succeed"
    assert not (settings.var_dir / "good.log").exists()
    with pytest.raises(StepFailedError, match="refuses failed, so good, dies_once waited"):
        require_success(reports)


def test_a_step_waits_for_what_is_missing_and_that_is_no_failure(settings):
    (report,) = run(settings, step(toy.good, obstacle=lambda settings: "no release serves yet"))
    assert (report.state, report.summary) == ("waits", "waits: no release serves yet")
    require_success([report])


def test_inputs_that_cannot_be_looked_at_fail_the_step_in_words(settings):
    def unreadable(settings):
        raise ApiError("the books are shut", hint="open them")

    broken = Step("good", "good", toy.good, toy.Runs, unreadable)
    (report,) = run(settings, broken)
    assert (report.state, report.error.message, report.error.hint) == (
        "failed",
        "the books are shut",
        "open them",
    )


def test_a_crash_is_reported_in_a_line_and_logged_with_its_trace(settings):
    (report,) = run(settings, step(toy.crashes))
    assert report.error.message == "ZeroDivisionError: oops"
    log = settings.var_dir / "logs" / "pipeline-crashes.log"
    assert report.error.hint == f"The trace is in {log}."
    assert "steps_for_tests.py" in log.read_text()


def test_a_killed_step_leaves_no_checkpoint_and_converges_on_the_next_run(settings):
    (killed,) = run(settings, step(toy.dies_once))
    assert "ended early" in killed.error.message
    (after,) = run(settings, step(toy.dies_once))
    assert after.result == toy.Runs(runs=3)


def test_two_pipelines_do_not_run_at_once(settings):
    with (
        only_one(settings.var_dir / "pipeline.lock"),
        pytest.raises(PipelineBusyError, match="Another pipeline"),
    ):
        run(settings, step(toy.good))


def test_killing_the_pipeline_ends_its_step_and_frees_the_lock(settings):
    program = f"""
        from pathlib import Path
        from api.settings import Settings
        from tests.api.pipeline.test_runner import run, step
        from tests.api.pipeline import steps_for_tests as toy
        if __name__ == "__main__":
            run(Settings(var_dir=Path({str(settings.var_dir)!r})), step(toy.sleeps))
    """
    script = settings.var_dir / "program.py"
    script.write_text(textwrap.dedent(program))
    process = subprocess.Popen(
        [sys.executable, str(script)], env=os.environ | {"PYTHONPATH": str(Path.cwd())}
    )
    pid_file = settings.var_dir / "sleeper.pid"
    _until(lambda: pid_file.exists() and pid_file.read_text())
    process.send_signal(signal.SIGKILL)
    process.wait()
    _until(lambda: not _alive(int(pid_file.read_text())))
    assert run(settings, step(toy.good))[0].result == toy.Runs(runs=1)


def _until(holds, seconds=30):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


def _alive(pid):
    try:
        with Path(f"/proc/{pid}/stat").open() as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
