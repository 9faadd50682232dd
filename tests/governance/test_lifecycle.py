"""States and transitions: whatever changes a state takes a step of the table, and can take each of them."""

import datetime as dt
import itertools
import re
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from governance.approvals import (
    AGREED,
    CARRIED_OUT,
    DECISIONS,
    DUE,
    EXECUTION,
    OPEN,
    SETTLED,
    STATES,
    State,
    can_become,
    decide,
    expire_due,
    find_recommendation,
    propose_recommendations,
    transition,
    withdraw_recommendations,
)
from governance.approvals.lifecycle import INITIAL, TRANSITIONS
from governance.errors import ConflictError
from governance.store.schema import decisions, recommendations
from tests.seeds import SEED, seeded

DBT = Path(__file__).parents[2] / "dbt_project/models/marts/decisions"
REASON = {"reason_code": "local-event"}


def test_sets_by_hand():
    """As people would write them down, state by state."""
    assert {"proposed", "in_review"} == OPEN
    assert {"approved", "overridden", "executing", "executed", "measured"} == AGREED
    assert {"approved", "overridden", "executing"} == DUE
    assert {"executed", "measured"} == CARRIED_OUT
    assert {"executing", "executed", "failed", "measured"} == EXECUTION
    assert set(STATES) - {"proposed", "in_review", "expired"} == SETTLED


def test_every_state_is_reached_and_ends_somewhere():
    reached, waiting = set(INITIAL), list(INITIAL)
    while waiting:
        for state in TRANSITIONS[waiting.pop()] - reached:
            reached.add(state)
            waiting.append(state)
    assert reached == set(State) == set(TRANSITIONS)
    assert {state for state in State if not TRANSITIONS[state]} == {"rejected", "expired", "measured"}


def test_lists_of_states_in_dbt_are_the_sets():
    """dbt cannot read Python: each of its lists is one of the sets, and there are as many as there were."""
    texts = [(DBT / f"{name}.sql").read_text() for name in ("fct_recommendations", "fct_decisions")]
    lists = [
        (negated.strip(), frozenset(re.findall(r"'(\w+)'", names)))
        for text in texts
        for negated, names in re.findall(r"\bstate (not )?in \(([^)]*)\)", text)
    ]
    assert sorted(lists, key=str) == sorted([("", OPEN), *[("not", frozenset(State) - SETTLED)] * 2], key=str)


@pytest.fixture
def put(sqlite_store, proposed, now):
    """A recommendation that is in a state, however it came there."""

    def put(key, state, **changes):
        proposed(sqlite_store, key, **changes)
        with sqlite_store.write() as transaction:
            transaction.conn.execute(
                update(recommendations)
                .where(recommendations.c.recommendation_id == key)
                .values(state=state, expires_at=now + dt.timedelta(days=2))
            )

    return put


def _state(store, key):
    return find_recommendation(store, key).state


@pytest.fixture
def attempts(sqlite_store, people, pipeline, now):
    """Everything that can change a state, by the state that it leads to."""
    store, planner = sqlite_store, people["planner_east"]

    def deciding(decision, **more):
        return lambda: decide(store, planner, "r", decision, now=now, **more)

    def step(state):
        return lambda: transition(store, pipeline, "r", state, now=now)

    return {
        **{state: step(state) for state in EXECUTION},
        State.APPROVED: deciding("approve"),
        State.REJECTED: deciding("reject", **REASON),
        State.OVERRIDDEN: deciding("override", quantity=20.0, **REASON),
        State.EXPIRED: lambda: expire_due(store, now=now + dt.timedelta(days=3)),
    }


@pytest.mark.parametrize("before", STATES)
def test_each_pair_of_states(sqlite_store, put, attempts, before):
    """Whoever may change a state does so exactly if the table has the step."""
    for after, attempt in attempts.items():
        put("r", before)
        try:
            attempt()
        except ConflictError:
            assert not can_become(before, after)
        assert _state(sqlite_store, "r") == (after if can_become(before, after) else before), (before, after)
        _forget(sqlite_store)


def _forget(store):
    with store.write() as transaction:
        transaction.conn.execute(delete(decisions))
        transaction.conn.execute(delete(recommendations))


def test_random_walks_take_only_steps_of_the_table(sqlite_store, proposal, people, pipeline, now):
    """Deciding, executing, expiring and withdrawing at random."""
    rng = seeded()
    walkers = [people[name] for name in ("planner_east", "category_manager", "finance_controller")]
    taken, keys = set(), []
    for number in range(120):
        key = f"w{number}"
        rows = [proposal(key, expected_cash=rng.choice([500.0, 60_000.0])) | {"proposed_by": "service:x"}]
        route = "two_people" if rows[0]["expected_cash"] > 50_000 else "planner"
        start = rng.choice(["proposed", "in_review"])
        expires = now + dt.timedelta(hours=rng.choice([1, 1000]))
        row = rows[0] | {"state": start, "policy_route": route, "expires_at": expires}
        propose_recommendations(sqlite_store, [row], now=now)
        keys.append(key)
    for _ in range(700):
        key = rng.choice(keys)
        before = {one: _state(sqlite_store, one) for one in keys} if rng.random() < 0.02 else None
        state = _state(sqlite_store, key)
        kind = rng.choice(["decide", "decide", "step", "step", "withdraw", "expire"])
        try:
            if kind == "decide":
                decision = rng.choice(DECISIONS)
                reason = {} if decision == "approve" else REASON
                quantity = 20.0 if decision == "override" else None
                decide(sqlite_store, rng.choice(walkers), key, decision, quantity=quantity, now=now, **reason)
            elif kind == "step":
                transition(sqlite_store, pipeline, key, rng.choice(sorted(EXECUTION)), now=now)
            elif kind == "withdraw" and rng.random() < 0.2:
                withdraw_recommendations(sqlite_store, [key], reason="gone", now=now)
            elif kind == "expire" and rng.random() < 0.05:
                before = {one: _state(sqlite_store, one) for one in keys}
                expire_due(sqlite_store, now=now + dt.timedelta(hours=2))
        except Exception as error:  # whatever refuses: the state is then what it was
            assert _state(sqlite_store, key) == state, f"seed {SEED}: {error!r}"
            continue
        for one, was in (before or {key: state}).items():
            becomes = _state(sqlite_store, one)
            if becomes != was:
                taken.add((State(was), State(becomes)))
            elif one == key and kind == "decide":
                taken.add((State(was), State(becomes)))  # the first of two people
    assert all(can_become(*step) for step in taken), f"seed {SEED}: {sorted(taken)}"
    every = {(one, other) for one, other in itertools.product(State, State) if can_become(one, other)}
    assert len(taken) > len(every) / 2, f"seed {SEED}: the walks met only {sorted(taken)}"
