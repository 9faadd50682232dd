"""Decisions of people, and the audit of what services do, from an empty store on."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from api.services.lineage_events import LineageEvents
from api.settings import Settings
from governance.approvals import decide, escalate_due, expire_due, propose
from governance.identity import Directory
from governance.store import OpsStore, audit
from governance.store.migrate import upgrade
from governance.store.schema import audit_log, decisions, recommendations
from tests.faults.scenes import Scene, State, files

NOW = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
PROPOSED = 8


def proposals(count: int = PROPOSED) -> list[dict[str, Any]]:
    """Reorders in the East that a planner may decide on."""
    return [
        {
            "recommendation_id": f"r{i}", "action": "reorder", "product_id": f"p{i}", "location_id": "367",
            "region": "East", "department": "GROCERY", "quantity_units": 24.0, "expected_margin": 90.0,
            "expected_cash": 500.0, "confidence": 0.9,
        }
        for i in range(count)
    ]  # fmt: skip


def store_of(root: Path) -> OpsStore:
    """The store below `root`, brought to this version's schema."""
    store = OpsStore(f"sqlite:///{root}/ops.db")
    upgrade(store)
    return store


def service() -> Any:
    """The pipeline, with the scope to propose."""
    return replace(Directory.load().service("pipeline"), scopes=frozenset({"propose", "execute"}))


def prepare_decide(root: Path) -> None:
    """Eight open proposals."""
    store = store_of(root)
    propose(store, service(), proposals(), now=NOW)
    store.close()


def decide_all(root: Path) -> None:
    """A planner decides on each, with an idempotency key, as the API does it; then it is told."""
    store, planner = store_of(root), Directory.load().user("planner_east")
    for i in range(PROPOSED):
        what, more = choice(i)
        decide(store, planner, f"r{i}", what, now=NOW, idempotency_key=f"key-{i}", **more)
    LineageEvents(Settings(var_dir=root)).decided(store)
    store.close()


def choice(i: int) -> tuple[str, dict[str, Any]]:
    """The decision on the i-th proposal."""
    choices: list[tuple[str, dict[str, Any]]] = [
        ("approve", {}),
        ("override", {"quantity": 12.0, "reason_code": "other", "note": "half"}),
        ("reject", {"reason_code": "other", "note": "no shelf"}),
    ]
    return choices[i % 3]


def prepare_nothing(root: Path) -> None:
    """Not even a store."""


def audit_services(root: Path) -> None:
    """From no store at all: schema, proposals in two lots, escalation, expiry."""
    store = store_of(root)
    propose(store, service(), proposals(5), now=NOW)
    propose(store, service(), proposals(), now=NOW)
    later = NOW + dt.timedelta(days=1)
    escalate_due(store, now=later)
    expire_due(store, now=later + dt.timedelta(days=30))
    store.close()


def state(root: Path) -> State:
    """Rows without what chance gave them (ids, hashes), and whether the audit holds."""
    if not (root / "ops.db").exists():
        return None
    store = OpsStore(f"sqlite:///{root}/ops.db")
    try:
        with store.read() as conn:
            stored = conn.execute(select(decisions).order_by(decisions.c.recommendation_id)).mappings().all()
            rows = conn.execute(select(recommendations).order_by("recommendation_id")).mappings().all()
            trail = conn.execute(select(audit_log).order_by(audit_log.c.seq)).mappings().all()
        report = audit.verify(store)
    finally:
        store.close()
    return {
        "recommendations": [dict(row) for row in rows],
        "decisions": [{k: v for k, v in row.items() if k != "decision_id"} for row in stored],
        "audit": [(row["actor"], row["action"], row["object_id"], row["reason"]) for row in trail],
        "holds": (report.holds, report.problem),
        "files": [name for name in files(root) if not name.endswith(("-wal", "-shm"))],
    }


def between(root: Path, before: State, after: State) -> None:
    """Each decision is whole: state, decision row and audit row of a recommendation are there or none is."""
    seen = state(root) if _has_schema(root) else None
    if seen is None:
        return
    assert seen["holds"] == (True, "")
    decided = {row["recommendation_id"]: row["decision"] for row in seen["decisions"]}
    for row in seen["recommendations"]:
        recorded = [
            a.partition(".")[2]
            for _, a, o, _ in seen["audit"]
            if o == f"recommendation.{row['recommendation_id']}"
        ]
        expected = {"approved": "approve", "overridden": "override", "rejected": "reject"}.get(row["state"])
        assert decided.get(row["recommendation_id"]) == expected
        assert recorded.count("propose") == 1
        assert (expected is None) or recorded.count(expected) == 1
        assert (row["state"] == "expired") == (recorded.count("expire") == 1)


def _has_schema(root: Path) -> bool:
    import sqlite3

    path = root / "ops.db"
    if not path.exists():
        return False
    with sqlite3.connect(path) as connection:
        tables = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
    ours = set(recommendations.metadata.tables)
    assert not tables & ours or tables >= ours, f"half a schema: {tables}"
    return tables >= ours


DECIDE = Scene("decide", prepare_decide, decide_all, state, between)
AUDIT = Scene("audit", prepare_nothing, audit_services, state, between)
