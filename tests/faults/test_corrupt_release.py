"""A damaged release is refused by name, on publishing and on opening; over HTTP the last good one answers.

A byte that turns in the warehouse that serves is an error in the query that meets it, or nothing: never
another number.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.services.metric_service import MetricService
from api.settings import Settings
from governance.releases import ReleaseCorruptError, ReleaseStore
from governance.releases.layout import DEFINITIONS, SEAL, WAREHOUSE
from semantic import MetricQuery
from tests.faults.two_releases import two_releases
from tests.seeds import seeded


def flip(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def cut(path: Path, rng: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: rng.randrange(path.stat().st_size)])


def lose(path: Path, rng: random.Random) -> None:
    path.unlink()


def other(path: Path, rng: random.Random) -> None:
    """The same file of another release."""
    path.write_bytes(next(p for p in path.parents[1].glob(f"*/{path.name}") if p != path).read_bytes() + b" ")


@pytest.fixture(scope="module")
def releases(tmp_path_factory) -> Path:
    """Two releases that tell themselves apart by a number; the newer serves."""
    return two_releases(tmp_path_factory.mktemp("releases"))


@pytest.fixture
def store(releases, tmp_path) -> ReleaseStore:
    shutil.copytree(releases, tmp_path / "var", symlinks=True)
    return ReleaseStore(tmp_path / "var")


DAMAGE = [
    (how, name) for name in (WAREHOUSE, SEAL, *DEFINITIONS) for how in (flip, cut, lose, other)
    if not (how is flip and name == SEAL)  # a turned byte of the seal's spaces or times is no damage
]  # fmt: skip


@pytest.mark.parametrize(("how", "name"), DAMAGE, ids=lambda value: getattr(value, "__name__", value))
def test_it_is_not_published(store, how, name):
    older, newer = store.ids()
    store.publish(older)
    how(store.folder / newer / name, seeded(how.__name__, name))
    with pytest.raises(ReleaseCorruptError, match=newer):
        store.publish(newer)
    assert store.current().release_id == older


@pytest.mark.parametrize("name", [SEAL, WAREHOUSE, "semantic_manifest.json"])
def test_the_last_good_one_answers_over_http(store, name):
    """The one that serves is damaged on disk, under a process that starts then."""
    older, newer = store.ids()
    cut(store.folder / newer / name, seeded(name))
    with _client(store) as (client, headers):
        answer = client.post("/v1/query", json={"metrics": ["generation"]}, headers=headers).json()
        assert (answer["release"], answer["rows"]) == (older, [[1]])
        ready = client.get("/readyz").json()
        assert ready["status"] == "ready" and "damaged" in ready["note"]
        asked = client.post("/v1/query", json={"metrics": ["generation"], "release": newer}, headers=headers)
        assert (asked.status_code, asked.json()["code"]) == (503, "release-corrupt")


def test_no_good_one_is_told(store):
    for release_id in store.ids():
        (store.folder / release_id / SEAL).unlink()
    with _client(store) as (client, headers):
        answer = client.post("/v1/query", json={"metrics": ["generation"]}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "release-corrupt")
        assert client.get("/readyz").status_code == 503


def test_a_turned_byte_gives_no_other_number(store):
    rng, seen = seeded(), {"right": 0, "refused": 0}
    warehouse = store.folder / store.current_id() / WAREHOUSE
    sound = warehouse.read_bytes()
    query = MetricQuery(metrics=["units"], group_by=["metric_time__day"], order_by=["metric_time__day"])
    expected = _rows(store, query)
    for _ in range(12):
        data = bytearray(sound)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        warehouse.unlink()  # a new file: no reader keeps the old one's pages
        warehouse.write_bytes(data)
        try:
            assert _rows(store, query) == expected
            seen["right"] += 1
        except Exception as error:
            assert getattr(error, "code", "") == "execution-failed", error
            seen["refused"] += 1
    print(seen)
    assert seen["refused"]


def _rows(store: ReleaseStore, query: MetricQuery) -> list:
    service = MetricService(store, Settings(var_dir=store.var_dir))
    try:
        return service.answer(query, None).as_dict()["rows"]
    finally:
        service.close()


class _client:  # noqa: N801
    """The application on the store, and the headers of an executive."""

    def __init__(self, store: ReleaseStore) -> None:
        self.settings = Settings(var_dir=store.var_dir)

    def __enter__(self):
        from datetime import UTC, datetime

        from api.auth.sign_in import local_issuer

        self.client = TestClient(create_app(self.settings), raise_server_exceptions=False)
        token = local_issuer(self.settings).issue("executive", now=datetime.now(UTC))
        return self.client, {"Authorization": f"Bearer {token}"}

    def __exit__(self, *_: object) -> None:
        self.client.close()
