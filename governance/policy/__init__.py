"""Cedar, behind one door: `Policy.load()`, then `authorize` a step or get a type's `row_condition`.

`restriction` says what a principal may see of the metrics, `authorize` which steps they may take and which
recommendations they may see, `tags` what policy knows of the definitions.
"""

from governance.policy.authorize import recommendation_scope, require, sees_margin
from governance.policy.cases import CaseResult, Explanation, explain, policy_test
from governance.policy.engine import Policy, Resource, Verdict, default_policy
from governance.policy.predicate import Predicate, to_clause, to_sql
from governance.policy.restriction import for_listing, for_principal, for_query
from governance.policy.tags import TaggedCatalog, Tags

__all__ = [
    "CaseResult",
    "Explanation",
    "Policy",
    "Predicate",
    "Resource",
    "TaggedCatalog",
    "Tags",
    "Verdict",
    "default_policy",
    "explain",
    "for_listing",
    "for_principal",
    "for_query",
    "policy_test",
    "recommendation_scope",
    "require",
    "sees_margin",
    "to_clause",
    "to_sql",
]
