"""Publishing is all or nothing, whatever happens in between."""

import json
import threading

import pytest

from governance.releases import ReleaseCorruptError, ReleaseNotFoundError, ReleaseStore
from governance.releases.layout import DEFINITIONS, WAREHOUSE


def build(store, fingerprint="a" * 64, content="data"):
    with store.building(fingerprint) as work:
        (work / WAREHOUSE).write_text(content)
        for name in DEFINITIONS:
            (work / name).write_text("{}")
    return store.ids()[-1]


def test_a_build_is_listed_but_does_not_serve_until_published(tmp_path):
    store = ReleaseStore(tmp_path)
    release_id = build(store)
    assert [r.release_id for r in store.list()] == [release_id]
    with pytest.raises(ReleaseNotFoundError, match="No release is published"):
        store.current()
    store.publish(release_id)
    assert store.current().release_id == release_id
    assert (tmp_path / "current" / WAREHOUSE).read_text() == "data"


def test_a_failed_build_leaves_nothing_and_the_old_release_serves(tmp_path):
    store = ReleaseStore(tmp_path)
    store.publish(build(store))
    before = store.current_id()
    with pytest.raises(RuntimeError), store.building("b" * 64) as work:
        (work / WAREHOUSE).write_text("half")
        raise RuntimeError("killed")
    assert store.current_id() == before
    assert store.ids() == [before]
    assert not list(store.folder.glob(".building-*"))


def test_what_a_kill_left_behind_is_swept_by_the_next_build(tmp_path):
    store = ReleaseStore(tmp_path)
    left_over = store.folder / ".building-20200101T000000-dead"
    left_over.mkdir(parents=True)
    build(store)
    assert not left_over.exists()


@pytest.mark.parametrize("name", [*DEFINITIONS, WAREHOUSE, "release.json"])
def test_a_damaged_release_is_refused_and_the_last_good_one_serves(tmp_path, name):
    store = ReleaseStore(tmp_path)
    good = build(store, "a" * 64)
    store.publish(good)
    bad = build(store, "b" * 64)
    (store.folder / bad / name).write_text("damaged, and of another length")
    with pytest.raises(ReleaseCorruptError, match=name.split(".")[0]):
        store.publish(bad)
    assert store.current().release_id == good
    assert [r.release_id for r in store.list()] == [good]


def test_unknown_release_names_the_near_miss_and_paths_are_no_names(tmp_path):
    store = ReleaseStore(tmp_path)
    release_id = build(store)
    with pytest.raises(ReleaseNotFoundError, match=release_id):
        store.get(release_id[:-1] + "x")
    for hostile in ("..", ".", "../releases", "/etc", ""):
        with pytest.raises(ReleaseNotFoundError):
            store.get(hostile)


def test_rollback_goes_to_the_newest_older_release(tmp_path):
    store = ReleaseStore(tmp_path)
    for at, letter in enumerate("abc"):
        folder = store.folder / f"2017010{at}T000000-{letter}"
        store.folder.mkdir(parents=True, exist_ok=True)
        (store.folder / build(store, letter * 64)).rename(folder)
        seal = json.loads((folder / "release.json").read_text())
        (folder / "release.json").write_text(json.dumps(seal | {"release_id": folder.name}))
    store.publish("20170102T000000-c")
    assert store.rollback().release_id == "20170101T000000-b"
    assert store.rollback().release_id == "20170100T000000-a"
    with pytest.raises(ReleaseNotFoundError, match="older"):
        store.rollback()


def test_readers_never_meet_a_missing_or_mixed_release_while_it_is_switched(tmp_path):
    store = ReleaseStore(tmp_path)
    first, second = build(store, "a" * 64, "a"), build(store, "b" * 64, "b")
    store.publish(first)
    seen, stop = set(), threading.Event()

    def read():
        while not stop.is_set():
            seen.add((tmp_path / "current" / WAREHOUSE).read_text())

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for _ in range(200):
        store.publish(second)
        store.publish(first)
    stop.set()
    for reader in readers:
        reader.join()
    assert seen <= {"a", "b"}
    assert seen


def test_prune_keeps_what_serves_what_a_rollback_needs_and_the_newest(tmp_path):
    store = ReleaseStore(tmp_path)
    ids = [_at(store, number) for number in range(6)]
    store.publish(ids[3])
    assert store.prune(keep=1) == tuple(ids[:2])
    assert [r.release_id for r in store.list()] == ids[2:]
    assert store.current_id() == ids[3]
    assert store.rollback().release_id == ids[2]
    assert store.prune(keep=10) == ()


def _at(store, number):
    """A release whose id sorts after those before it, all built within one second."""
    folder = store.folder / build(store, fingerprint=str(number) * 64)
    name = f"20170101T00000{number}-{number}"
    body = json.loads((folder / "release.json").read_text()) | {"release_id": name}
    (folder / "release.json").write_text(json.dumps(body))
    folder.rename(store.folder / name)
    return name
