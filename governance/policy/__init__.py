"""Cedar, behind one door: `Policy.load()`, then `authorize` a step or get a type's `row_condition`.

`restriction` authorizes a parsed query: what its reader may see of it, and the names that it may use.
`authorize` says which steps a principal may take and which recommendations they may see; `tags`,
`column_tags`, `tagged_models` and `tagged_catalog` what policy knows of the definitions.
"""

from governance.policy.authorize import recommendation_scope, require, sees_margin
from governance.policy.cases import CaseResult, Explanation, explain, policy_test
from governance.policy.engine import Policy, Resource, Verdict, default_policy
from governance.policy.predicate import Predicate, to_clause, to_sql
from governance.policy.restriction import for_listing, for_principal
from governance.policy.tagged_catalog import TaggedCatalog
from governance.policy.tags import Tags

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
    "policy_test",
    "recommendation_scope",
    "require",
    "sees_margin",
    "to_clause",
    "to_sql",
]
