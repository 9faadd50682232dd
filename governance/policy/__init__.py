"""Cedar, behind one door: `Policy.load()`, then `authorize` a step or get a type's `row_condition`."""

from governance.policy.engine import Policy, Resource, Verdict, default_policy
from governance.policy.predicate import Predicate, to_clause, to_sql

__all__ = ["Policy", "Predicate", "Resource", "Verdict", "default_policy", "to_clause", "to_sql"]
