"""Who may decide, that it happens once, and that no way leads around the separation of duties."""

import datetime as dt
import multiprocessing
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from governance.approvals import (
    ROUTES,
    Limits,
    Recommendation,
    compensate,
    decide,
    escalate_due,
    expire_due,
    find_recommendation,
    propose,
    route,
    transition,
)
from governance.errors import (
    ConflictError,
    ForbiddenError,
    IdempotencyMismatchError,
    InvalidDecisionError,
    NotFoundError,
    PolicyBrokenError,
    StoreUnavailableError,
)
from governance.store import OpsStore, audit


def test_a_planner_approves_overrides_and_rejects(store, proposed, people, now):
    for key in ("a", "b", "c"):
        proposed(store, key)
    planner = people["planner_east"]
    assert decide(store, planner, "a", "approve", now=now).state == "approved"
    over = decide(store, planner, "b", "override", quantity=12, reason_code="space", now=now)
    assert (over.state, over.quantity_units) == ("overridden", 12)
    assert decide(store, planner, "c", "reject", reason_code="duplicate", now=now).state == "rejected"
    assert find_recommendation(store, "b").decided_quantity_units == 12
    entries = audit.read(store, object_id="recommendation.b").items
    assert [e["action"] for e in entries] == ["recommendation.override", "recommendation.propose"]
    assert "decide-as-planner" in entries[0]["policy_ids"]
    assert audit.verify(store).holds


@pytest.mark.parametrize(
    ("decision", "more"),
    [
        ("override", {"quantity": 3}),
        ("override", {"reason_code": "space"}),
        ("override", {"reason_code": "space", "quantity": -1}),
        ("override", {"reason_code": "space", "quantity": float("nan")}),
        ("reject", {}),
        ("reject", {"reason_code": "because"}),
        ("reject", {"reason_code": "other"}),
        ("approve", {"quantity": 3}),
        ("adopt", {}),
    ],
)
def test_a_decision_without_its_reason_or_quantity_is_refused(sqlite_store, proposed, people, decision, more):
    now = proposed(sqlite_store).created_at
    with pytest.raises(InvalidDecisionError):
        decide(sqlite_store, people["planner_east"], "r1", decision, now=now, **more)
    assert find_recommendation(sqlite_store, "r1").state == "in_review"


def test_what_one_may_not_see_does_not_exist(sqlite_store, proposed, people, now):
    proposed(sqlite_store)
    with pytest.raises(NotFoundError) as hidden:
        decide(sqlite_store, people["planner_west"], "r1", "approve", now=now)
    with pytest.raises(NotFoundError) as missing:
        decide(sqlite_store, people["planner_west"], "zz", "approve", now=now)
    assert str(hidden.value).replace("r1", "zz") == str(missing.value)


def test_nobody_approves_their_own_directly_as_author_or_by_delegation(
    sqlite_store, proposal, proposed, people, now
):
    planner = people["planner_east"]
    propose(sqlite_store, planner, [proposal("mine")], now=now)
    proposed(sqlite_store, "trained", authors=["planner_east"])
    for key in ("mine", "trained"):
        for who in (planner, replace(planner, acting_service="svc-superset")):
            with pytest.raises(ForbiddenError) as refused:
                decide(sqlite_store, who, key, "approve", now=now)
            assert "separation-of-duties" in refused.value.policy_ids
    proposes = {"acting_service": "svc-superset", "scopes": frozenset({"propose", "decide"})}
    propose(sqlite_store, replace(planner, **proposes), [proposal("through")], now=now)
    with pytest.raises(ForbiddenError):
        decide(sqlite_store, planner, "through", "approve", now=now)
    other = replace(people["category_manager"], **proposes)
    with pytest.raises(ForbiddenError):
        decide(sqlite_store, other, "through", "approve", now=now)


def test_two_people_must_agree(sqlite_store, proposed, people, now):
    record = proposed(sqlite_store, expected_cash=80_000.0)
    assert record.policy_route == "two_people"
    finance, manager = people["finance_controller"], people["category_manager"]
    assert decide(sqlite_store, finance, "r1", "approve", now=now).state == "in_review"
    with pytest.raises(ForbiddenError):
        decide(sqlite_store, finance, "r1", "approve", now=now)
    with pytest.raises(ConflictError):
        decide(sqlite_store, manager, "r1", "override", quantity=5, reason_code="space", now=now)
    assert decide(sqlite_store, manager, "r1", "approve", now=now).state == "approved"


def test_the_same_key_gives_the_same_answer_once(store, proposed, people, now):
    proposed(store)
    planner = people["planner_east"]
    first = decide(store, planner, "r1", "approve", now=now, idempotency_key="k")
    later = now + dt.timedelta(minutes=1)
    assert decide(store, planner, "r1", "approve", now=later, idempotency_key="k") == first
    with pytest.raises(IdempotencyMismatchError):
        decide(store, planner, "r1", "reject", reason_code="space", now=later, idempotency_key="k")
    with pytest.raises(ConflictError):
        decide(store, planner, "r1", "approve", now=later)
    assert len(audit.read(store).items) == 2


def test_a_hundred_threads_one_wins_and_the_author_never_does(store, proposed, people, now):
    proposed(store, authors=["planner_east"])
    author = people["planner_east"]
    others = [replace(author, user=f"planner_{n}") for n in range(99)]
    outcomes = _race(store, [author, *others], now)
    assert outcomes == Counter({"approved": 1, "Conflict": 98, "other": 1}) or outcomes == Counter(
        {"approved": 1, "Conflict": 99}
    )
    entries = [e for e in audit.read(store).items if e["action"] == "recommendation.approve"]
    assert len(entries) == 1
    assert entries[0]["actor"] != "planner_east"
    assert audit.verify(store).holds


def test_a_hundred_threads_ninety_nine_conflicts(store, proposed, people, now):
    proposed(store)
    planners = [replace(people["planner_east"], user=f"planner_{n}") for n in range(100)]
    assert _race(store, planners, now) == Counter({"approved": 1, "Conflict": 99})
    assert len(audit.read(store).items) == 2


def test_processes_race_as_threads_do(store, proposed, now):
    proposed(store)
    with multiprocessing.get_context("spawn").Pool(6) as pool:
        work = [(store.url, str(store.anchor.path), n, now) for n in range(100)]
        outcomes = Counter(pool.starmap(_decide_in_a_process, work, chunksize=1))
    assert outcomes == Counter({"approved": 1, "Conflict": 99})
    assert audit.verify(store) == audit.AuditReport(2, True)


def _decide_in_a_process(url, anchor, number, now):
    from governance.identity import Directory

    planner = replace(Directory.load().user("planner_east"), user=f"planner_{number}")
    store = OpsStore(url, anchor=Path(anchor))
    try:
        return decide(store, planner, "r1", "approve", now=now).state
    except ConflictError:
        return "Conflict"
    finally:
        store.close()


def _race(store, principals, now):
    outcomes, gate = Counter(), threading.Barrier(len(principals))

    def run(principal):
        gate.wait()
        try:
            outcomes[decide(store, principal, "r1", "approve", now=now).state] += 1
        except ConflictError:
            outcomes["Conflict"] += 1
        except ForbiddenError:
            outcomes["other"] += 1

    threads = [threading.Thread(target=run, args=(p,)) for p in principals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_failed_audit_means_no_decision(sqlite_store, proposed, people, now, monkeypatch):
    proposed(sqlite_store)

    def broken(*_args, **_more):
        raise OSError("disk full")

    monkeypatch.setattr(audit, "append", broken)
    with pytest.raises(OSError, match="disk full"):
        decide(sqlite_store, people["planner_east"], "r1", "approve", now=now)
    assert find_recommendation(sqlite_store, "r1").state == "in_review"


def test_an_audit_that_cannot_be_anchored_means_no_decision(store, proposed, people, now):
    proposed(store)
    anchored = store.anchor.path.read_text()
    store.anchor.path.unlink()
    store.anchor.path.mkdir()
    with pytest.raises(StoreUnavailableError):
        decide(store, people["planner_east"], "r1", "approve", now=now)
    assert find_recommendation(store, "r1").state == "in_review"
    store.anchor.path.rmdir()
    store.anchor.path.write_text(anchored)
    assert audit.verify(store) == audit.AuditReport(1, True)


def test_expiry_and_escalation(sqlite_store, proposed, people, now):
    proposed(sqlite_store)
    assert escalate_due(sqlite_store, now=now) == []
    later = now + dt.timedelta(hours=49)
    assert escalate_due(sqlite_store, now=later) == ["r1"]
    assert find_recommendation(sqlite_store, "r1").policy_route == "category_manager"
    end = now + dt.timedelta(hours=168)
    with pytest.raises(ConflictError, match="expired"):
        decide(sqlite_store, people["category_manager"], "r1", "approve", now=end)
    assert expire_due(sqlite_store, now=end) == ["r1"]
    assert expire_due(sqlite_store, now=end) == []
    assert audit.verify(sqlite_store).holds


def test_carried_out_once_then_taken_back_by_somebody_else(sqlite_store, proposed, people, pipeline, now):
    proposed(sqlite_store)
    planner, manager = people["planner_east"], people["category_manager"]
    with pytest.raises(ConflictError):
        transition(sqlite_store, pipeline, "r1", "executing", now=now)
    decide(sqlite_store, planner, "r1", "approve", now=now)
    with pytest.raises(ForbiddenError):
        transition(sqlite_store, planner, "r1", "executing", now=now)
    transition(sqlite_store, pipeline, "r1", "executing", now=now)
    with pytest.raises(ConflictError):
        transition(sqlite_store, pipeline, "r1", "executing", now=now)
    transition(sqlite_store, pipeline, "r1", "executed", outcome={"document": "PO-1"}, now=now)
    undo = compensate(sqlite_store, manager, "r1", reason="wrong store", now=now)
    assert (undo.compensates, undo.state) == ("r1", "in_review")
    assert compensate(sqlite_store, manager, "r1", reason="again", now=now) == undo
    with pytest.raises(ForbiddenError):
        decide(sqlite_store, manager, undo.recommendation_id, "approve", now=now)


@pytest.mark.parametrize(
    ("changes", "state", "expected"),
    [
        ({"expected_cash": 20.0, "expected_margin": 30.0}, "champion", "automatic"),
        ({"expected_cash": 20.0, "expected_margin": 30.0}, "drifted", "planner"),
        ({"expected_cash": 20.0, "expected_margin": 30.0, "confidence": 0.6}, "champion", "planner"),
        ({"expected_cash": 20.0, "expected_margin": 30.0, "confidence": None}, "champion", "planner"),
        ({"expected_cash": 60.0, "expected_margin": 3.0, "region": "West"}, "champion", "planner"),
        ({"expected_cash": None, "expected_margin": None}, "champion", "category_manager"),
        ({"expected_cash": 9_000.0}, "champion", "category_manager"),
        ({"expected_cash": -9_000.0}, "champion", "category_manager"),
        ({"expected_cash": 49_999.0}, "champion", "finance_controller"),
        ({"expected_cash": 50_000.0}, "champion", "two_people"),
        ({"expected_cash": 1.0, "confidence": 0.1}, "champion", "two_people"),
        ({"department": "DRUG GM"}, "champion", "category_manager"),
    ],
)
def test_routes(proposal, now, changes, state, expected):
    stamps = {"state": "proposed", "proposed_by": "x", "created_at": now, "updated_at": now}
    record = Recommendation(**(proposal(**changes) | stamps | {"is_simulated": True}))
    assert route(record, model_state=state).name == expected


def test_automatic_ones_are_approved_on_the_spot(sqlite_store, proposed, pipeline, now):
    record = proposed(sqlite_store, expected_cash=10.0, expected_margin=5.0)
    assert (record.state, record.decided_quantity_units) == ("approved", 24.0)
    transition(sqlite_store, pipeline, "r1", "executing", now=now)


@given(money=st.floats(0, 1e6), more=st.floats(0, 1e6), confidence=st.floats(0, 1))
def test_more_money_never_means_fewer_eyes(money, more, confidence):
    def at(usd):
        when = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        record = Recommendation(
            "r", "reorder", "p", "l", 1.0, "proposed", "x", when, when, True,
            expected_cash=usd, confidence=confidence,
        )  # fmt: skip
        return ROUTES.index(route(record, model_state="champion").name)

    assert at(money) <= at(money + more)


@pytest.mark.parametrize(
    ("level", "change"),
    [
        ("regions", {"automatic_below": 101}),
        ("banners", {"minimum_confidence": 0.6}),
        ("regions", {"category_manager_departments": []}),
        ("regions", {"anything": 1}),
        ("regions", {"automatic_below": -1}),
        ("regions", {"automatic_below": "much"}),
    ],
)
def test_a_lower_level_only_tightens(tmp_path, level, change):
    from governance.approvals import DEFAULT_LIMITS

    content = yaml.safe_load(DEFAULT_LIMITS.read_text())
    content[level] = {"North": change}
    path = tmp_path / "limits.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(PolicyBrokenError):
        Limits.load(path)


def test_a_region_tightens_what_its_banner_left(tmp_path):
    from governance.approvals import DEFAULT_LIMITS

    content = yaml.safe_load(DEFAULT_LIMITS.read_text())
    content["banners"] = {"Urban": {"automatic_below": 80}}
    content["regions"] = {"West": {"automatic_below": 50}}
    path = tmp_path / "limits.yaml"
    path.write_text(yaml.safe_dump(content))
    limits = Limits.load(path)
    assert limits.at("Urban", "West").automatic_below == 50
    assert limits.at("Urban", "East").automatic_below == 80
    assert limits.at(None, None).automatic_below == 100
