"""Policy cases: what each role must and must not be able to do, in YAML beside the policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from governance.errors import PolicyBrokenError
from governance.identity.directory import Directory
from governance.json_types import JsonDict, JsonObject
from governance.policy.engine import POLICIES, Policy, Resource, Verdict, default_policy
from governance.policy.predicate import to_sql

_SHORT = {"metric": "Metric", "dimension": "Dimension"}
_UNTAGGED = {"pii": "none", "margin_sensitive": False, "supplier_terms": False}
_ROWS = ("Location", "Product", "Customer", "Recommendation")


@dataclass(frozen=True)
class CaseResult:
    """One case: what was expected and what came out."""

    name: str
    user: str
    action: str
    expected: bool
    verdict: Verdict

    @property
    def passed(self) -> bool:
        """Whether policy decided as expected, without an error."""
        return self.verdict.allowed == self.expected and not self.verdict.errors


@dataclass(frozen=True)
class Explanation:
    """Which rule decided, and what rows remain."""

    user: str
    role: str
    action: str
    allowed: bool
    policy_ids: tuple[str, ...]
    errors: tuple[str, ...]
    rows: Mapping[str, str]
    sentence: str


def policy_test(path: Path = POLICIES / "cases.yaml", policy: Policy | None = None) -> list[CaseResult]:
    """Run every case. Raises PolicyBrokenError when the file is not a list of cases."""
    rules, directory = policy or default_policy(), Directory.load()
    results = []
    try:
        for case in yaml.safe_load(path.read_text())["cases"]:
            expected = {"allow": True, "deny": False}[case["expect"]]
            for user in [case["as"]] if isinstance(case["as"], str) else case["as"]:
                verdict = _run(rules, directory, user, case)
                results.append(CaseResult(case["name"], user, case["action"], expected, verdict))
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise PolicyBrokenError(f"The policy cases in {path.name} cannot be read: {error!r}.") from error
    return results


def explain(
    user: str,
    action: str,
    resource: Resource | None = None,
    *,
    purpose: str = "operations",
    directory: Directory | None = None,
    policy: Policy | None = None,
) -> Explanation:
    """Why `user` may or may not do `action`; with the row conditions that hold for them."""
    rules = policy or default_policy()
    principal = (directory or Directory.load()).user(user)
    context = {"purpose": purpose} if action.startswith("read_") and resource else {}
    verdict = rules.authorize(principal, action, resource or Resource("System"), context)
    rows = {kind: to_sql(rules.row_condition(principal, kind, {"purpose": purpose})) for kind in _ROWS}
    if verdict.allowed:
        sentence = f"{user} may {action}: permitted by {', '.join(verdict.policy_ids)}"
    elif verdict.policy_ids:
        sentence = f"{user} may not {action}: forbidden by {', '.join(verdict.policy_ids)}"
    else:
        sentence = f"{user} may not {action}: no policy permits it"
    return Explanation(
        user, principal.role, action, verdict.allowed, verdict.policy_ids, verdict.errors, rows, sentence
    )


def tagged(kind: str, **tags: object) -> Resource:
    """A metric or dimension with these tags, the rest untagged."""
    return Resource(_SHORT.get(kind, kind), attributes={**_UNTAGGED, **tags})


def _run(rules: Policy, directory: Directory, user: str, case: JsonObject) -> Verdict:
    principal = directory.service(user) if user in directory.services else directory.user(user)
    resource = Resource("System")
    context: JsonDict = {}
    if "on" in case:
        ((kind, attributes),) = case["on"].items()
        is_tagged = kind in _SHORT
        resource = tagged(kind, **attributes) if is_tagged else Resource(kind, attributes=attributes)
        if case["action"].startswith("read_"):
            context = {"purpose": case.get("purpose", "operations")}
    return rules.authorize(principal, case["action"], resource, context)
