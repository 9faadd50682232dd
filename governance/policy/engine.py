"""Ask Cedar: pre-parsed policies, default deny, and any diagnostic error is a denial."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import cedarpy

from governance.errors import PolicyBrokenError
from governance.identity.principal import Principal
from governance.json_types import JsonDict, JsonObject
from governance.policy.predicate import FALSE, Predicate
from governance.policy.residual import RowType, row_condition

POLICIES = Path(__file__).parent.parent / "policies"
OPERATIONS = "operations"  # the purpose of ordinary work

ROW_TYPES = {
    row_type.name: row_type
    for row_type in (
        RowType("Location", {"location_id": str, "region": str, "banner": str}),
        RowType("Product", {"department": str}),
        RowType(
            "Customer",
            {
                "has_analytics_consent": bool,
                "has_personalisation_consent": bool,
                "has_marketing_consent": bool,
            },
        ),
        RowType("Recommendation", {"location_id": str, "region": str, "banner": str, "department": str}),
    )
}


@dataclass(frozen=True)
class Resource:
    """What is acted on: its type in the schema, its id, and its attributes. None is a missing attribute."""

    type: str
    id: str = "it"
    attributes: JsonObject = field(default_factory=dict)

    def entity(self) -> JsonDict:
        """Cedar's JSON form."""
        attributes = {name: value for name, value in self.attributes.items() if value is not None}
        return {"uid": {"type": self.type, "id": self.id}, "attrs": attributes, "parents": []}


SYSTEM = Resource("System")
_STEPS = re.compile(r"action\s+([\w,\s]+?)\s+appliesTo\s*\{[^}]*resource:\s*\[?System\b")


@dataclass(frozen=True)
class Verdict:
    """Whether it is allowed, which policies decided, and which could not be evaluated (then it is denied)."""

    allowed: bool
    policy_ids: tuple[str, ...]
    errors: tuple[str, ...] = ()


class Policy:
    """One validated set of policies. Immutable; share it between threads.

    `steps` are the actions that are decided once for a person, whatever they are done to.
    """

    def __init__(self, policies: str, schema: str) -> None:
        """Raises PolicyBrokenError on text that does not parse, does not validate, or lacks an @id."""
        try:
            self._schema = cedarpy.Schema.from_str(schema)
            self._policies = cedarpy.PolicySet.from_str(policies)
            checked = cedarpy.validate_policies(policies, self._schema)
        except ValueError as error:
            raise PolicyBrokenError(f"The policies do not parse: {error}.") from error
        self._names_people = _names(json.loads(cedarpy.policies_to_json_str(policies)), "User")
        self.steps = tuple(
            sorted(name.strip() for listed in _STEPS.findall(schema) for name in listed.split(","))
        )
        if not checked.validation_passed:
            raise PolicyBrokenError(
                "the policies do not fit the schema: " + "; ".join(map(str, checked.errors))
            )

    @classmethod
    def load(cls, folder: Path = POLICIES) -> Policy:
        """Every `*.cedar` of the folder, with its `schema.cedarschema`."""
        try:
            texts = [path.read_text() for path in sorted(folder.glob("*.cedar"))]
            return cls("\n".join(texts), (folder / "schema.cedarschema").read_text())
        except OSError as error:
            raise PolicyBrokenError(f"The policies in {folder} cannot be read: {error}.") from error

    def without_name(self, principal: Principal) -> Principal:
        """The principal with only what these policies can look at, so that equals can share what they get."""
        if self._names_people:
            return replace(principal, token_id=None)
        through = principal.acting_service and "a-service"
        return replace(principal, user="somebody", acting_service=through, token_id=None)

    def authorize(
        self,
        principal: Principal,
        action: str,
        resource: Resource = SYSTEM,
        context: JsonObject | None = None,
    ) -> Verdict:
        """Decide one step, now. Never raises on a request: what cannot be evaluated is denied."""
        entities = [*_principal_entities(principal), resource.entity()]
        request = {
            "principal": {"type": "User", "id": _user_id(principal)},
            "action": {"type": "Action", "id": action},
            "resource": {"type": resource.type, "id": resource.id},
            "context": dict(context or {}),
        }
        result = cedarpy.is_authorized(request, self._policies, json.dumps(entities), self._schema)
        errors = tuple(map(str, result.diagnostics.errors))
        allowed = result.decision == cedarpy.Decision.Allow and not errors
        return Verdict(allowed, _ids(result.diagnostics), errors)

    def row_condition(
        self, principal: Principal, row_type: str, context: JsonObject | None = None
    ) -> Predicate:
        """Which rows of an entity type the principal may read: partial evaluation with the row unknown.

        Equal, row by row, to `authorize(principal, "read_row", row)`. Raises PolicyUntranslatableError.
        """
        request = {
            "principal": f'User::"{_user_id(principal)}"',
            "action": 'Action::"read_row"',
            "context": dict(context or {}),
        }
        action = {"uid": {"type": "Action", "id": "read_row"}, "attrs": {}, "parents": []}
        entities = json.dumps([*_principal_entities(principal), action])
        result = cedarpy.is_authorized_partial(request, self._policies, entities)
        if result.diagnostics.errors:
            return FALSE
        return row_condition(result.residuals, ROW_TYPES[row_type])


def _names(policies: object, kind: str) -> bool:
    """Whether policies, as Cedar tells them in JSON, speak of an entity of a kind by its id."""
    if isinstance(policies, dict):
        if policies.get("type") == kind and "id" in policies:
            return True
        return any(_names(part, kind) for part in policies.values())
    return isinstance(policies, list) and any(_names(part, kind) for part in policies)


def _ids(diagnostics: cedarpy.Diagnostics) -> tuple[str, ...]:
    names = diagnostics.id_annotations_by_reason
    return tuple(sorted(names.get(reason, reason) for reason in diagnostics.reasons))


def _user_id(principal: Principal) -> str:
    """Percent-encoded, so that both ways of asking Cedar take it: partial evaluation reads ids as source."""
    return quote(principal.user, safe="@+ ")


def _principal_entities(principal: Principal) -> list[JsonDict]:
    role = {"type": "Role", "id": principal.role}
    attributes = {
        "regions": sorted(principal.regions),
        "stores": sorted(principal.stores),
        "departments": sorted(principal.departments),
        "banners": sorted(principal.banners),
        "purposes": sorted(principal.purposes),
        "approval_limit_cents": round(principal.approval_limit * 100),
        "is_service": principal.is_service,
        "is_delegated": principal.acting_service is not None,
        "scopes": sorted(principal.scopes or ()),
    }
    user = {"uid": {"type": "User", "id": _user_id(principal)}, "attrs": attributes, "parents": [role]}
    return [user, {"uid": role, "attrs": {}, "parents": []}]


@lru_cache(maxsize=1)
def default_policy() -> Policy:
    """The packaged policies, parsed once."""
    return Policy.load()
