"""Former names: directories and limits that use them mean the same; what they sealed still holds."""

from __future__ import annotations

import hashlib
import json

import pytest
import sqlalchemy as sa
import yaml

from governance.approvals import find_recommendation, propose_recommendations
from governance.approvals.limits import DEFAULT_LIMITS, Limits
from governance.errors import PolicyBrokenError
from governance.identity import Directory
from governance.identity.directory import DEMO
from governance.store import OpsStore
from governance.store.audit import verify
from governance.store.audit_keys import AuditKeys
from governance.store.bound_rows import digests_of
from governance.store.migrate import upgrade
from governance.store.schema import recommendations
from tests.governance.conftest import NOW

MONEY = ("automatic_below", "planner_below", "category_manager_below", "finance_controller_below")


def with_former_names(text, *names):
    for name in names:
        text = text.replace(f"{name}:", f"{name}_usd:")
    return text


def test_limits_of_before_are_the_same_limits(tmp_path):
    path = tmp_path / "limits.yaml"
    path.write_text(with_former_names(DEFAULT_LIMITS.read_text(), *MONEY))
    assert "planner_below_usd" in path.read_text()
    for region in (None, "West"):
        assert Limits.load(path).at(None, region) == Limits.load().at(None, region)


def test_a_directory_of_before_gives_the_same_limits_to_people(tmp_path):
    path = tmp_path / "users.yaml"
    path.write_text(with_former_names(DEMO.read_text(), "approval_limit"))
    assert "approval_limit_usd" in path.read_text()
    for name in Directory.load().users:
        assert Directory.load(path).user(name) == Directory.load().user(name)


def test_both_names_at_once_are_refused(tmp_path):
    people = yaml.safe_load(DEMO.read_text())
    people["users"]["planner_east"]["approval_limit_usd"] = 9
    (tmp_path / "users.yaml").write_text(yaml.safe_dump(people))
    with pytest.raises(PolicyBrokenError, match="approval_limit_usd"):
        Directory.load(tmp_path / "users.yaml")
    limits = yaml.safe_load(DEFAULT_LIMITS.read_text())
    limits["enterprise"]["planner_below_usd"] = 9
    (tmp_path / "limits.yaml").write_text(yaml.safe_dump(limits))
    with pytest.raises(PolicyBrokenError, match="planner_below_usd"):
        Limits.load(tmp_path / "limits.yaml")


def test_rows_sealed_under_former_names_hold_after_the_migration(tmp_path, proposal):
    """Proposed at schema 0005 as that version wrote it: columns and keys of details with their currency."""
    store = OpsStore(f"sqlite:///{tmp_path}/ops.db", keys=AuditKeys.from_secrets(["a secret"]))
    upgrade(store)
    details = {
        "transfer_cost_usd": 2.5,
        "budget_ranking": {"return_per_usd": 1.5, "shadow_price_per_usd": 0.25},
        "text": "a_usd is a word",
    }
    row = proposal("r1", expected_margin=7.5, at_stake=1.25) | {
        "proposed_by": "service:x",
        "details": details,
    }
    propose_recommendations(store, [row], now=NOW)
    with store.read() as conn:
        (text,) = conn.execute(sa.text("SELECT details FROM recommendations")).one()
    assert "transfer_cost_usd" in text, "the bytes in the store are those that were sealed"
    assert verify(store).holds
    present = find_recommendation(store, "r1").details
    assert present == {
        "transfer_cost": 2.5,
        "budget_ranking": {"return_on_spend": 1.5, "shadow_price": 0.25},
        "text": "a_usd is a word",
    }
    store.close()


def test_a_digest_names_columns_as_they_were_first_called(tmp_path, proposal):
    """The digest of a row, written out by hand: what a store of schema 0005 has in its audit."""
    store = OpsStore(f"sqlite:///{tmp_path}/ops.db")
    upgrade(store)
    row = proposal("r1", expected_margin=7.5, at_stake=1.25) | {"proposed_by": "service:x"}
    propose_recommendations(store, [row], now=NOW)
    with store.read() as conn:
        values = dict(conn.execute(sa.select(recommendations)).mappings().one())
        digest = digests_of(conn, {"recommendations": [("r1",)]})["recommendations"]["r1"]
    for name in ("expected_margin", "expected_cash", "at_stake"):
        values[f"{name}_usd"] = values.pop(name)
    plain = {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in values.items()
        if value is not None
    }
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert digest == hashlib.sha256(text.encode()).hexdigest()
    store.close()
