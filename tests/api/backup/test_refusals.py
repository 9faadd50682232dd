"""An archive that is damaged, strange or of a newer version restores nothing, and neither does a kill."""

from __future__ import annotations

import hashlib
import io
import json
import multiprocessing
import os
import signal
import tarfile

import pytest

from api.backup import restore_backup, swap, write_backup
from api.backup.manifest import MANIFEST, MANIFEST_DIGEST
from api.errors import BackupInvalidError, StateNotEmptyError
from tests.api.backup.conftest import contents
from tests.seeds import seeded

KILLS = 4


@pytest.fixture
def archive(state, tmp_path):
    return write_backup(state, tmp_path / "backup.tar").archive


def untouched(state, before, tmp_path):
    assert contents(state.var_dir) == before
    assert not list((tmp_path / "running").glob("*before-restore*"))


def test_a_state_that_is_there_is_not_overwritten(state, archive, tmp_path):
    before = contents(state.var_dir)
    with pytest.raises(StateNotEmptyError) as refusal:
        restore_backup(state, archive)
    assert "--force" in refusal.value.hint
    untouched(state, before, tmp_path)


@pytest.mark.parametrize("number", range(8))
def test_one_damaged_byte_is_found_and_its_file_named(state, archive, tmp_path, number):
    before, rng = contents(state.var_dir), seeded(number)
    with tarfile.open(archive) as tar:
        members = [member for member in tar if member.size]
    member = rng.choice(members[2:] if number else members[:1])
    in_header = number % 4 == 3
    offset = member.offset + 100 if in_header else member.offset_data + rng.randrange(member.size)
    body = bytearray(archive.read_bytes())
    body[offset] ^= 1 << rng.randrange(8)
    archive.write_bytes(body)
    with pytest.raises(BackupInvalidError) as refusal:
        restore_backup(state, archive, force=True)
    assert member.name in refusal.value.message, (member.name, in_header)
    untouched(state, before, tmp_path)
    assert not list((tmp_path / "running").glob(".*"))


def test_what_is_cut_short_or_no_backup_at_all(state, archive, tmp_path):
    before = contents(state.var_dir)
    body = archive.read_bytes()
    for size in (0, 700, len(body) // 2):
        archive.write_bytes(body[:size])
        with pytest.raises(BackupInvalidError):
            restore_backup(state, archive, force=True)
    with tarfile.open(archive, "w") as tar:
        tar.add(__file__, "x.py")
    for path in (archive, tmp_path / "nothing.tar", tmp_path):
        with pytest.raises(BackupInvalidError, match=path.name):
            restore_backup(state, path, force=True)
    untouched(state, before, tmp_path)


def rewritten(archive, change):
    """The archive with another manifest, its hash right again."""
    with tarfile.open(archive) as tar:
        members = [(m, tar.extractfile(m).read()) for m in tar]
    manifest = json.loads(members[0][1])
    change(manifest)
    text = json.dumps(manifest).encode()
    texts = {MANIFEST: text, MANIFEST_DIGEST: hashlib.sha256(text).hexdigest().encode()}
    with tarfile.open(archive, "w") as tar:
        for member, body in members:
            content = texts.get(member.name, body)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(format=99), "format 99"),
        (lambda m: m.update(ops_revision="9999", product_version="9.0"), "Steelyard 9.0"),
        (lambda m: m["files"].update({"state/../../x": next(iter(m["files"].values()))}), "outside"),
        (lambda m: m["files"].update({"/etc/x": next(iter(m["files"].values()))}), "outside"),
        (lambda m: m["files"].update({"state/new": next(iter(m["files"].values()))}), "state/new"),
        (lambda m: m["files"].popitem(), "does not name it"),
        (lambda m: m.update(ops_kind="postgresql"), "STEELYARD_OPS_URL"),
        (lambda m: m.update(current="../../etc"), "outside"),
    ],
)
def test_a_manifest_that_does_not_fit(state, archive, tmp_path, change, message):
    before = contents(state.var_dir)
    rewritten(archive, change)
    with pytest.raises(BackupInvalidError, match=message):
        restore_backup(state, archive, force=True)
    untouched(state, before, tmp_path)


def killed_at(settings, archive, point):
    seen = 0

    def progress(_):
        nonlocal seen
        seen += 1
        if seen == point:
            os.kill(os.getpid(), signal.SIGKILL)

    restore_backup(settings, archive, force=True, progress=progress)


def run_in_child(target, *arguments):
    child = multiprocessing.get_context("fork").Process(target=target, args=arguments)
    child.start()
    child.join()
    return child.exitcode


def test_a_kill_in_the_middle_leaves_the_old_state(state, archive, tmp_path):
    before = contents(state.var_dir)
    steps = []
    with tarfile.open(archive) as tar:
        last = len(tar.getnames()) - 2 + 1  # a step a file, and the last before it is put in place
    points = [*sorted(seeded().sample(range(1, last), KILLS)), last]
    for point in points:
        assert run_in_child(killed_at, state, archive, point) == -signal.SIGKILL, point
        steps.append(point)
        untouched(state, before, tmp_path)
    assert restore_backup(state, archive, force=True).files
    assert len(steps) == KILLS + 1


def killed_after_the_exchange(settings, archive):
    exchange = swap._exchange

    def then_die(one, other):
        exchange(one, other)
        os.kill(os.getpid(), signal.SIGKILL)

    swap._exchange = then_die
    restore_backup(settings, archive, force=True)


def test_a_kill_after_the_exchange_leaves_the_new_state_and_loses_nothing(state, archive, tmp_path):
    marked = state.var_dir / "only-here-before"
    marked.touch()
    assert run_in_child(killed_after_the_exchange, state, archive) == -signal.SIGKILL
    assert not marked.exists() and (state.var_dir / "ops.db").exists()
    assert len(list((tmp_path / "running").rglob("only-here-before"))) == 1


def test_without_the_exchange_of_the_kernel_two_renames_do_it(state, archive, monkeypatch):
    monkeypatch.setattr(swap, "_exchange", lambda one, other: False)
    before = contents(state.var_dir)
    (aside,) = restore_backup(state, archive, force=True).moved_aside
    assert contents(type(archive)(aside)) == before and (state.var_dir / "ops.db").exists()
