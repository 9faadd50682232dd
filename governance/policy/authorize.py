"""Whether a principal may take a step, and which recommendations they may see."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import ColumnElement

from governance.errors import ForbiddenError
from governance.identity.principal import Principal
from governance.policy.engine import OPERATIONS, Policy, Resource, default_policy
from governance.policy.predicate import FALSE, to_clause
from governance.store.schema import recommendations


def require(
    principal: Principal, action: str, *, resource: Resource | None = None, policy: Policy | None = None
) -> tuple[str, ...]:
    """The policies that permit a step. Raises ForbiddenError when none does."""
    verdict = (policy or default_policy()).authorize(principal, action, resource or Resource("System"))
    if not verdict.allowed:
        raise ForbiddenError(
            f"{principal.user!r} ({principal.role}) may not {action.replace('_', ' ')}.",
            hint=f"`steelyard policy explain {action} --as {principal.user}` says which rule decides",
            policy_ids=verdict.policy_ids,
        )
    return verdict.policy_ids


def sees_margin(principal: Principal, policy: Policy | None = None) -> bool:
    """Whether money that tells cost or margin may be shown beside a recommendation."""
    return (policy or default_policy()).authorize(principal, "see_margin").allowed


def recommendation_scope(principal: Principal, policy: Policy | None = None) -> ColumnElement[bool]:
    """Which recommendations the principal may see, as a clause for the ops store."""
    rules = policy or default_policy()
    return _recommendation_scope(rules.without_name(principal), rules)


@lru_cache(maxsize=512)
def _recommendation_scope(principal: Principal, policy: Policy) -> ColumnElement[bool]:
    if not policy.authorize(principal, "read_recommendations").allowed:
        return to_clause(FALSE, {})
    purpose = {"purpose": OPERATIONS}
    return to_clause(policy.row_condition(principal, "Recommendation", purpose), dict(recommendations.c))
