"""Cedar, behind one door: `Policy.load()`, then `authorize` a step or get a type's `row_condition`."""

from governance.policy.cases import CaseResult, Explanation, explain, policy_test
from governance.policy.engine import Policy, Resource, Verdict, default_policy
from governance.policy.predicate import Predicate, to_clause, to_sql

__all__ = [
    "CaseResult",
    "Explanation",
    "Policy",
    "Predicate",
    "Resource",
    "Verdict",
    "default_policy",
    "explain",
    "policy_test",
    "to_clause",
    "to_sql",
]
