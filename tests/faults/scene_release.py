"""A build that takes over a part of an older release, and the publishing of what it built."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from api.pipeline.build import build_step, ingest_step, publish_step
from governance.releases import BuildState, Release, ReleaseStore
from tests.faults.scenes import Scene, State, files
from tests.faults.small_shop import deliver, open_shop, shop


def silent(*what: object) -> None:
    """Nobody listens."""


def prepare_build(root: Path) -> None:
    """One release serves; more sales have landed since."""
    open_shop(root)
    for step in (ingest_step, build_step, publish_step):
        step(shop(root), silent)
    deliver(root, "more.csv", slice(450, None))
    ingest_step(shop(root), silent)


def build(root: Path) -> None:
    build_step(shop(root), silent)


def prepare_publish(root: Path) -> None:
    """Two releases, of which the older serves."""
    prepare_build(root)
    build(root)


def publish(root: Path) -> None:
    publish_step(shop(root), silent)


def state(root: Path) -> State:
    """What each release holds and came from, which one serves, and the files; release ids are numbered."""
    store = ReleaseStore(shop(root).var_dir)
    releases = store.list()
    number = {release.release_id: str(i) for i, release in enumerate(releases)}
    names = [name for name in files(store.var_dir) if not name.startswith(("landing", "logs"))]
    for release_id, at in number.items():
        names = [name.replace(release_id, at) for name in names]
    return {
        "releases": [release_state(release) for release in releases],
        "serving": number[store.current_id() or ""],
        "files": sorted(names),
    }


def release_state(release: Release) -> State:
    """Rows of every table, what was built and what taken over, and how every test ended."""
    built = BuildState.read(release)
    done = {} if built is None else built.summary() | {"based_on": built.based_on is not None}
    results = json.loads(release.run_results.read_text())["results"]
    with duckdb.connect(str(release.warehouse), read_only=True) as connection:
        tables = connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()
        rows = {name: connection.execute(f"FROM {name} ORDER BY ALL").fetchall() for (name,) in tables}
    return {
        "fingerprint": release.fingerprint,
        "rows": rows,
        "built": done,
        "tests": {result["unique_id"]: result["status"] for result in results},
    }


def between(root: Path, before: State, after: State) -> None:
    """Releases that are there are whole, and so is what serves; nothing else has a release's name."""
    store = ReleaseStore(shop(root).var_dir)
    assert [r.release_id for r in store.list()] == store.ids()
    assert store.current().release_id in store.ids()
    seen = state(root)
    assert seen["releases"] in (before["releases"], after["releases"])
    assert seen["serving"] in (before["serving"], after["serving"])


BUILD = Scene("build", prepare_build, build, state, between)
PUBLISH = Scene("publish", prepare_publish, publish, state, between)
