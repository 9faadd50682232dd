"""Governed decisions: who decides on a recommendation, and the one transaction in which it happens.

proposed → approved (automatic) | in_review → approved | overridden | rejected | expired;
approved or overridden → executing → executed | failed → measured. A rollback is a new recommendation that
compensates an old one, and is decided like any other.
"""

from governance.approvals.actions import ACTIONS, ROUTE_LABELS, ROUTES, UNDO, Action, action_of, unit_sign
from governance.approvals.decide import DECISIONS, Decision, decide, decisions_on, may_decide
from governance.approvals.escalation import escalate_due
from governance.approvals.guardrails import guardrail_violation
from governance.approvals.lifecycle import (
    AGREED,
    CARRIED_OUT,
    DUE,
    EXECUTION,
    OPEN,
    SETTLED,
    STATES,
    State,
    can_become,
)
from governance.approvals.limits import DEFAULT_LIMITS, Limits
from governance.approvals.masking import MASKED, sees_money, visible_part
from governance.approvals.priority import days_left, priority
from governance.approvals.propose import propose
from governance.approvals.queue import FACETS, QueueTotals, RankedQueue, facets_for, rank_open
from governance.approvals.reasons import REASON_CODES
from governance.approvals.recommendation import Recommendation
from governance.approvals.repository import (
    expire_due,
    find_recommendation,
    list_recommendations,
    propose_recommendations,
    withdraw_recommendations,
)
from governance.approvals.routing import Route, money_at_stake, route
from governance.approvals.transitions import compensate, transition

__all__ = [
    "ACTIONS",
    "AGREED",
    "CARRIED_OUT",
    "DECISIONS",
    "DEFAULT_LIMITS",
    "DUE",
    "EXECUTION",
    "FACETS",
    "MASKED",
    "OPEN",
    "REASON_CODES",
    "ROUTES",
    "ROUTE_LABELS",
    "SETTLED",
    "STATES",
    "UNDO",
    "Action",
    "Decision",
    "Limits",
    "QueueTotals",
    "RankedQueue",
    "Recommendation",
    "Route",
    "State",
    "action_of",
    "can_become",
    "compensate",
    "days_left",
    "decide",
    "decisions_on",
    "escalate_due",
    "expire_due",
    "facets_for",
    "find_recommendation",
    "guardrail_violation",
    "list_recommendations",
    "may_decide",
    "money_at_stake",
    "priority",
    "propose",
    "propose_recommendations",
    "rank_open",
    "route",
    "sees_money",
    "transition",
    "unit_sign",
    "visible_part",
    "withdraw_recommendations",
]
