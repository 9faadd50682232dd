"""A person or service, with everything that policy may ask about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from governance.errors import NotAuthenticatedError
from governance.json_types import JsonDict, JsonObject

ALL = "*"

ROLES = frozenset(
    {
        "executive",
        "planner",
        "category_manager",
        "store_manager",
        "finance_controller",
        "analytics_engineer",
        "ml_reviewer",
        "data_steward",
        "auditor",
        "integrator",
        "agent",
    }
)

SCOPES = frozenset({"read", "propose", "decide", "execute", "ingest", "delegate"})
"""What a service key can be issued for. `decide` is for people whom a service acts for, never for itself."""

FORMER_LIMIT = "approval_limit_usd"
"""What `approval_limit` was called before: read until 0.3 if the present name is not there."""

_LONGEST_NAME = 128  # as wide as the columns that keep it
_SETS = ("regions", "stores", "departments", "banners", "purposes")


@dataclass(frozen=True)
class Principal:
    """Who asks. Attribute sets list what is reachable; `"*"` is everything, empty is nothing.

    `stores` are location ids. `approval_limit` is the most that may be approved alone, in the
    reporting currency.
    `acting_service` is set when a service asks on this person's behalf; `scopes` is what the key of a service
    may do, for itself or for a person, None meaning that the role alone decides.
    """

    user: str
    role: str
    regions: frozenset[str] = frozenset()
    stores: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()
    banners: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    approval_limit: float = 0.0
    is_service: bool = False
    acting_service: str | None = None
    scopes: frozenset[str] | None = None
    token_id: str | None = None

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise NotAuthenticatedError(f"No such role: {self.role!r}.")
        if not (0 < len(self.user) <= _LONGEST_NAME and self.user.isprintable()) or set(self.user) & set(
            '"\\'
        ):
            raise NotAuthenticatedError("A name must be printable, without quotes and backslashes.")

    @property
    def actor(self) -> str:
        """Who pressed the button, for the audit: the service when one acts for somebody."""
        return self.acting_service or self.user

    @property
    def on_behalf_of(self) -> str | None:
        """The person whose rights were used by a service, or None."""
        return self.user if self.acting_service else None

    @property
    def identities(self) -> frozenset[str]:
        """Every name that this request can be attributed to; separation of duties looks at all of them."""
        return frozenset(name for name in (self.user, self.acting_service) if name)

    @property
    def reader_key(self) -> tuple[str, str, str]:
        """Who reads: the person, the service through which they do, and in which role."""
        return (self.user, self.acting_service or "", self.role)

    def may_use(self, scope: str) -> bool:
        """Whether the key behind this request was issued for such a step; people need no key."""
        if not self.is_service and self.acting_service is None:
            return True
        return scope in (self.scopes or ())

    @classmethod
    def from_attributes(cls, user: str, attributes: JsonObject, **more: Any) -> Principal:
        """From a directory entry or from claims. Raises NotAuthenticatedError when they make no sense."""
        try:
            sets: JsonDict = {name: _strings(attributes.get(name, ())) for name in _SETS}
            limit = float(attributes.get("approval_limit", attributes.get(FORMER_LIMIT, 0)))
            return cls(user=user, role=str(attributes["role"]), approval_limit=limit, **sets, **more)
        except (KeyError, TypeError, ValueError) as error:
            raise NotAuthenticatedError(f"The attributes of {user!r} are incomplete or malformed.") from error


def _strings(value: Any) -> frozenset[str]:
    if isinstance(value, str) or not all(isinstance(item, str) for item in value):
        raise TypeError("a list of strings is needed")
    return frozenset(value)
