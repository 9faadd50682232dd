"""What the platform records reaches the landing whole, once, and typed; a build always finds its tables."""

from __future__ import annotations

import datetime as dt
import shutil

import duckdb
import pytest
import yaml
from sqlalchemy import insert

from governance.approvals import propose_recommendations
from governance.store import OpsStore
from governance.store.migrate import upgrade
from governance.store.schema import decisions
from integrations.contracts import contracts, platform_contracts
from integrations.contracts.loader import FOLDER
from integrations.errors import TooManyBadRowsError
from integrations.ingest.platform_tables import ensure_platform, platform_batch_id
from integrations.platform import TABLES, PlatformState, PlatformTable, platform_fingerprint, record
from semantic.sql.quoting import literal

NOW = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)


def row(number: int, **more):
    return {
        "recommendation_id": f"r{number}", "action": "reorder", "location_id": "L1",
        "quantity_units": 12.0, "proposed_by": "pipeline", "state": "in_review",
        "order_by": dt.date(2026, 3, 4), "product_id": f"P{number}",
    } | more  # fmt: skip


@pytest.fixture
def recorded(tmp_path):
    store = OpsStore(f"sqlite:///{tmp_path / 'ops.db'}")
    upgrade(store)
    yield PlatformState(store, None, tmp_path / "forecasts", tmp_path / "outcomes.parquet", "", tmp_path)
    store.close()


@pytest.fixture
def run(recorded, tmp_path):
    """Record everything; the report."""
    return lambda tables=TABLES: record(recorded, tmp_path / "landing", tmp_path / "rejected", tables=tables)


def landed(tmp_path, table, columns="*"):
    files = f"{tmp_path}/landing/{table}/*/*.parquet"
    return duckdb.sql(f"SELECT {columns} FROM read_parquet({literal(files)}) ORDER BY ALL").fetchall()


def test_what_the_store_holds_is_what_lands(recorded, run, tmp_path):
    propose_recommendations(recorded.store, [row(1), row(2, expected_margin=3.25)], now=NOW)
    with recorded.store.write() as transaction:
        decision = {"decision_id": "d1", "recommendation_id": "r1", "decision": "override", "role": "planner"}
        decision |= {"decided_by": "planner_east", "quantity_units": 6.0, "reason_code": "space"}
        transaction.conn.execute(insert(decisions).values(**decision, policy_ids=[], decided_at=NOW))
    assert run().rows == {"recommendations": 2, "decisions": 1}
    assert landed(
        tmp_path,
        "recommendations",
        "recommendation_id, product_id, order_by, proposed_at, expected_margin",
    ) == [
        ("r1", "P1", dt.date(2026, 3, 4), NOW.replace(tzinfo=None), None),
        ("r2", "P2", dt.date(2026, 3, 4), NOW.replace(tzinfo=None), 3.25),
    ]
    assert landed(tmp_path, "decisions", "decided_by, quantity_units, decided_at, is_history") == [
        ("planner_east", 6.0, NOW.replace(tzinfo=None), False)
    ]


def test_the_same_content_lands_once_and_a_change_replaces_it(recorded, run, tmp_path):
    propose_recommendations(recorded.store, [row(1)], now=NOW)
    first, before = run(), platform_fingerprint(recorded)
    batches = sorted(p.name for p in (tmp_path / "landing").glob("*/batch=*"))
    assert first.changed == ["recommendations", "decisions"]
    assert run().changed == []
    assert sorted(p.name for p in (tmp_path / "landing").glob("*/batch=*")) == batches
    propose_recommendations(recorded.store, [row(2)], now=NOW)
    assert platform_fingerprint(recorded) != before
    assert run().changed == ["recommendations"]
    assert [key for (key,) in landed(tmp_path, "recommendations", "recommendation_id")] == ["r1", "r2"]


def test_a_kill_between_two_exports_leaves_the_newest_row_winning(recorded, run, tmp_path):
    """Both batches lie there then: the newer has the higher sequence, and the next export clears up."""
    propose_recommendations(recorded.store, [row(1)], now=NOW)
    run()
    (old,) = (tmp_path / "landing" / "recommendations").iterdir()
    shutil.copytree(old, tmp_path / "kept")
    propose_recommendations(recorded.store, [row(2)], now=NOW)
    run()
    shutil.copytree(tmp_path / "kept", old)
    sequences = landed(tmp_path, "recommendations", "recommendation_id, batch_sequence")
    assert [key for key, _ in sequences] == ["r1", "r1", "r2"]
    assert sequences[0][1] < sequences[1][1] == sequences[2][1]
    run()
    assert len(landed(tmp_path, "recommendations")) == 2


def test_a_row_that_breaks_our_own_contract_is_refused_and_the_former_export_stays(recorded, run, tmp_path):
    propose_recommendations(recorded.store, [row(1)], now=NOW)
    run()
    propose_recommendations(recorded.store, [row(2, confidence=1.5)], now=NOW)
    with pytest.raises(TooManyBadRowsError, match="recommendations"):
        run()
    assert [key for (key,) in landed(tmp_path, "recommendations", "recommendation_id")] == ["r1"]


def test_every_platform_table_is_there_before_anything_is_recorded(tmp_path):
    ensure_platform(tmp_path)
    for table, terms in platform_contracts().items():
        described = duckdb.sql(
            f"DESCRIBE FROM read_parquet({literal(f'{tmp_path}/{table}/*/*.parquet')})"
        ).fetchall()
        columns = [(name, kind) for name, kind, *_ in described]
        promised = [(c.name, c.physical_type) for c in terms.columns]
        assert columns[: len(promised)] == promised
    before = {p: p.stat().st_mtime_ns for p in tmp_path.glob("*/*/*")}
    ensure_platform(tmp_path)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.glob("*/*/*")} == before


def test_a_batch_of_an_older_contract_makes_room_for_the_new_columns(tmp_path):
    old = tmp_path / "decisions" / "batch=00000000-feed"
    old.mkdir(parents=True)
    duckdb.sql(f"COPY (SELECT 'd1' AS decision_id) TO {literal(old / 'part-0.parquet')}")
    ensure_platform(tmp_path)
    (present,) = (tmp_path / "decisions").iterdir()
    assert present.name == f"batch={platform_batch_id(platform_contracts()['decisions'], 'empty')}"


def test_a_table_of_another_module_needs_a_contract_and_an_exporter(recorded, run, tmp_path):
    """As monitoring does it: SQL over a file, here over nothing at all, with the contract's columns."""
    columns = ", ".join(
        f"NULL::{c.physical_type} AS {c.name}" for c in platform_contracts()["decisions"].columns
    )
    table = PlatformTable("decisions", lambda r, con: f"(SELECT {columns} LIMIT 0)", lambda r: "")
    assert run((table,)).rows == {"decisions": 0}


@pytest.mark.parametrize("table", sorted(platform_contracts()))
def test_contracts_are_sound_and_no_retailer_may_deliver_them(table):
    document = yaml.safe_load((FOLDER / "platform" / f"{table}.yaml").read_text(encoding="utf-8"))
    assert document["schema"][0]["name"] == table
    assert table not in contracts()
    for column in platform_contracts()[table].columns:
        if column.reference is not None:
            contracts()[column.reference.table].column(column.reference.column)


def test_every_exported_table_has_a_contract():
    assert {table.name for table in TABLES} <= set(platform_contracts())
