"""An interrupted or refused ingest is reported, and no release is built from it."""

from __future__ import annotations

import json
import shutil

import pytest

from api.pipeline.build import build_step
from api.settings import Settings
from integrations.errors import LandingIncompleteError, TooManyBadRowsError
from integrations.ingest import ingest, landing_is_complete, require_complete
from integrations.ingest import load_batch as batch_module
from integrations.ingest.state import FILE
from integrations.sources.folder import FolderSource


def test_a_landing_is_complete_after_an_ingest_and_only_then(shop, suppliers):
    assert not landing_is_complete(shop.landing)
    shop.put("suppliers.csv", suppliers())
    shop.run()
    assert landing_is_complete(shop.landing)
    require_complete(shop.landing)


@pytest.mark.parametrize("dies_in", ["_copy", "_publish"])
def test_an_interrupted_ingest_is_incomplete_until_it_is_run_again(shop, suppliers, monkeypatch, dies_in):
    """Also where nothing had landed yet, and where the landing before it was whole."""
    shop.put("suppliers/a.csv", suppliers())
    shop.run()
    shop.put("suppliers/b.csv", suppliers().replace("Supplier", "Second"))

    def dies(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(batch_module, dies_in, dies)
    with pytest.raises(KeyboardInterrupt):
        shop.run()
    assert not landing_is_complete(shop.landing)
    monkeypatch.undo()
    shop.run()
    assert landing_is_complete(shop.landing)


def test_killed_without_a_chance_to_say_so(shop, suppliers, monkeypatch):
    """SIGKILL runs no `finally`: the state on disk must already say it while batches are being brought in."""
    shop.put("suppliers/a.csv", suppliers())
    shop.run()
    shop.put("suppliers/b.csv", suppliers().replace("Supplier", "Second"))
    seen = []
    real = batch_module._publish

    def looks(*arguments: object) -> None:
        seen.append(landing_is_complete(shop.landing))
        real(*arguments)

    monkeypatch.setattr(batch_module, "_publish", looks)
    shop.run()
    assert seen == [False]


def test_a_refused_batch_leaves_the_landing_incomplete(shop, suppliers):
    shop.put("suppliers.csv", suppliers("S9,Bad terms,31,x,1,,2"))
    with pytest.raises(TooManyBadRowsError):
        shop.run(tolerance=0.01)
    assert not landing_is_complete(shop.landing)


def test_a_batch_that_was_removed_by_hand_makes_it_incomplete(shop, suppliers):
    shop.put("suppliers.csv", suppliers())
    shop.run()
    shutil.rmtree(next(shop.landing.glob("suppliers/batch=*")))
    assert not landing_is_complete(shop.landing)


def test_a_source_that_cannot_tell_changes_is_complete_all_the_same(shop, suppliers, monkeypatch):
    shop.put("suppliers.csv", suppliers())
    monkeypatch.setattr(FolderSource, "fingerprint", lambda self: None)
    ingest(FolderSource(shop.folder), shop.landing, shop.quarantine)
    assert landing_is_complete(shop.landing)


def test_a_state_of_an_older_version_is_read_by_its_fingerprint(shop, suppliers):
    shop.put("suppliers.csv", suppliers())
    shop.run()
    path = shop.landing / FILE
    state = json.loads(path.read_text())
    del state["is_complete"]
    path.write_text(json.dumps(state))
    assert landing_is_complete(shop.landing)
    path.write_text(json.dumps(state | {"fingerprint": ""}))
    assert not landing_is_complete(shop.landing)


def test_the_build_refuses_and_names_the_fix(shop, suppliers):
    settings = Settings(var_dir=shop.root)
    with pytest.raises(LandingIncompleteError, match="holds no data yet"):
        build_step(settings, lambda *what: None)
    shop.put("suppliers.csv", suppliers("S9,Bad terms,31,x,1,,2"))
    with pytest.raises(TooManyBadRowsError):
        shop.run(tolerance=0.01)
    with pytest.raises(LandingIncompleteError) as refused:
        build_step(settings, lambda *what: None)
    assert f"steelyard ingest run --source {shop.folder}" in refused.value.hint
    assert not (shop.root / "releases").exists()
