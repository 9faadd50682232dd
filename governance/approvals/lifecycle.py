"""The states of a recommendation, which lead to which, and the sets that others ask for."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """How far a recommendation has come. Stored and sent as its text."""

    PROPOSED = "proposed"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    OVERRIDDEN = "overridden"
    REJECTED = "rejected"
    EXPIRED = "expired"
    EXECUTING = "executing"
    EXECUTED = "executed"
    FAILED = "failed"
    MEASURED = "measured"


STATES: tuple[State, ...] = tuple(State)

INITIAL = frozenset({State.PROPOSED, State.IN_REVIEW, State.APPROVED})
"""What a new one may be in: `approved` if policy lets it through without a person."""

_DECIDED = frozenset({State.APPROVED, State.OVERRIDDEN, State.REJECTED, State.EXPIRED})

TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.PROPOSED: _DECIDED | {State.IN_REVIEW},
    State.IN_REVIEW: _DECIDED | {State.IN_REVIEW},  # the first of two people leaves it in review
    State.APPROVED: frozenset({State.EXECUTING}),
    State.OVERRIDDEN: frozenset({State.EXECUTING}),
    State.REJECTED: frozenset(),
    State.EXPIRED: frozenset(),
    State.EXECUTING: frozenset({State.EXECUTED, State.FAILED}),
    State.EXECUTED: frozenset({State.MEASURED}),
    State.FAILED: frozenset({State.EXECUTING}),
    State.MEASURED: frozenset(),
}
"""Every change of state that there is; whatever changes one asks `can_become`."""

OPEN = frozenset({State.PROPOSED, State.IN_REVIEW})
"""Waits for a decision."""

EXECUTION = frozenset({State.EXECUTING, State.EXECUTED, State.FAILED, State.MEASURED})
"""What becomes of an agreed one: set by an executor or a measurement, never by a decision."""

CARRIED_OUT = frozenset({State.EXECUTED, State.MEASURED})
"""Done in the systems that it concerns: stock of a later day shows it."""

AGREED = CARRIED_OUT | {State.APPROVED, State.OVERRIDDEN, State.EXECUTING}
"""Policy or people said yes and it holds, carried out or not. One that failed holds nothing until it is
tried again."""

DUE = AGREED - CARRIED_OUT
"""Agreed and not carried out yet: stock does not show it."""

SETTLED = frozenset(State) - OPEN - {State.EXPIRED}
"""Decided, yes or no, whatever became of it. What expired was never decided."""


def can_become(before: str, after: str) -> bool:
    """Whether a recommendation in state `before` may change to `after`."""
    return after in TRANSITIONS[State(before)]


def leads_to(state: str) -> frozenset[State]:
    """The states from which `state` can be reached in one step."""
    return frozenset(before for before, nexts in TRANSITIONS.items() if state in nexts)
