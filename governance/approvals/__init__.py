"""Governed decisions: who decides on a recommendation, and the one transaction in which it happens.

proposed → approved (automatic) | in_review → approved | overridden | rejected | expired;
approved or overridden → executing → executed | failed → measured. A rollback is a new recommendation that
compensates an old one, and is decided like any other.
"""

from governance.approvals.bounds import broken_bound
from governance.approvals.decide import Decision, decide, decisions_on, may_decide
from governance.approvals.execution import advance, roll_back
from governance.approvals.limits import DEFAULT_LIMITS, ROUTES, Limits
from governance.approvals.priority import days_left, priority
from governance.approvals.propose import propose
from governance.approvals.reasons import REASON_CODES
from governance.approvals.routing import Route, money_at_stake_usd, route
from governance.approvals.service_level import escalate_due

__all__ = [
    "DEFAULT_LIMITS",
    "REASON_CODES",
    "ROUTES",
    "Decision",
    "Limits",
    "Route",
    "advance",
    "broken_bound",
    "days_left",
    "decide",
    "decisions_on",
    "escalate_due",
    "may_decide",
    "money_at_stake_usd",
    "priority",
    "propose",
    "roll_back",
    "route",
]
