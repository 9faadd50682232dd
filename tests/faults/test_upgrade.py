"""What version 0.1.0 left is opened by this one: migrated, taken up as it is, or refused in words."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from api.pipeline.steps import build_step, ingest_step, publish_step
from api.settings import Settings
from governance.approvals import decide, list_recommendations
from governance.errors import StoreTooNewError
from governance.identity import Directory
from governance.releases import BuildState, ReleaseStore, check_content
from governance.store import OpsStore
from governance.store.audit import verify
from governance.store.first_names import FIRST_NAMES
from governance.store.migrate import newest_revision, revision_of, upgrade
from integrations.ingest import check_landing, landed_batches, landing_is_complete
from models_ml import score_demand
from models_ml.lifecycle import registry
from tests.faults.scene_release import silent
from tests.faults.small_shop import open_shop
from tests.fixtures.state_0_1_0 import unpack_state
from tests.models_ml.small_warehouse import write_features

NOW = dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC)


@pytest.fixture
def old(tmp_path):
    """The settings of a shop whose state is that of 0.1.0; its project and deliveries are beside it."""
    fresh = open_shop(tmp_path)
    return fresh.model_copy(update={"var_dir": unpack_state(tmp_path)})


@pytest.fixture
def store(old):
    opened = OpsStore(old.ops_store_url)
    yield opened
    opened.close()


def rows(store, *tables):
    with store.read() as conn:
        reflected = sa.MetaData()
        reflected.reflect(conn)
        return {
            name: [dict(row) for row in conn.execute(table.select().order_by(*table.primary_key)).mappings()]
            for name, table in reflected.tables.items()
            if name != "alembic_version" and (not tables or name in tables)
        }


def test_the_ops_store_is_migrated_with_every_row(store):
    before = rows(store)
    assert len(before["recommendations"]) == 4 and len(before["decisions"]) == 3
    assert len(before["model_reviews"]) == len(before["service_keys"]) == 1
    upgrade(store)
    assert revision_of(store) == newest_revision()
    after = rows(store)
    for name, old_rows in before.items():
        first = [
            {FIRST_NAMES.get(column, column): value for column, value in row.items()} for row in after[name]
        ]
        survived = [{column: row[column] for column in old_rows[0]} for row in first[: len(old_rows)]]
        assert survived == old_rows, name


def test_decisions_go_on_and_the_audit_holds_from_its_first_row(store):
    upgrade(store)
    decided = decide(store, Directory.load().user("planner_east"), "r3", "approve", now=NOW)
    assert decided.state == "approved"
    again = decide(
        store, Directory.load().user("planner_east"), "r0", "approve", now=NOW, idempotency_key="key-0"
    )
    assert again.state == "approved", "a request of before is the same decision after"
    report = verify(store)
    assert report.holds and report.rows >= 10, report
    assert len(list_recommendations(store, state="approved").items) == 2


def test_a_store_of_a_newer_version_is_refused_in_words_and_left_as_it_is(store):
    upgrade(store)
    with store.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9876'")
    before = rows(store)
    with pytest.raises(StoreTooNewError, match="'9876'") as refusal:
        upgrade(store)
    assert "version of Steelyard" in refusal.value.hint and "restore" in refusal.value.hint
    assert rows(store) == before


def test_an_older_schema_than_the_kept_one_is_migrated_too(tmp_path):
    store = OpsStore(f"sqlite:///{tmp_path}/ops.db")
    upgrade(store, "0002")
    assert revision_of(store) == "0002"
    upgrade(store)
    assert revision_of(store) == newest_revision()
    store.close()


def test_the_landing_is_gone_on_with(old):
    landed = landed_batches(old.landing)
    assert len(landed) == 3 and landing_is_complete(old.landing)
    report = check_landing(old.landing)
    assert report.problems == () and report.unsealed == report.batches > 3
    ingest_step(old, silent)
    after = landed_batches(old.landing)
    assert {b.table for b in after} == {b.table for b in landed}
    assert check_landing(old.landing).problems == ()


def test_its_release_serves_and_the_next_one_is_built_beside_it(old):
    store = ReleaseStore(old.var_dir)
    before = store.current()
    check_content(before)
    state = BuildState.read(before)
    assert state is not None and len(state.keys) > 5
    ingest_step(old, silent)
    build_step(old, silent)
    publish_step(old, silent)
    assert store.ids()[0] == before.release_id
    assert store.publish(before.release_id).release_id == before.release_id


def test_the_register_of_models_opens_and_its_champion_scores(old, tmp_path):
    (version,) = registry.versions(old.mlflow_uri, "demand")
    assert registry.is_approved(old.mlflow_uri, version) and version.trained_by == registry.TRAINER
    write_features(tmp_path / "warehouse.duckdb")
    scored = score_demand(
        tmp_path / "warehouse.duckdb", "R1", output=tmp_path / "scored.parquet",
        tracking_uri=old.mlflow_uri, artifact_root=old.mlflow_artifacts,
    )  # fmt: skip
    assert (scored.model_name, scored.model_version, scored.note) == ("demand", "1", "")


def test_doctor_finds_nothing_wrong_with_it(old):
    from api.doctor import DEEP_CHECKS, Level

    settings = Settings(var_dir=old.var_dir)
    upgrade(OpsStore(settings.ops_store_url))
    assert [f for check in DEEP_CHECKS for f in check(settings) if f.level is Level.FAILED] == []
