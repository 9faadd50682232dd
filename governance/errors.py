"""What governance refuses, and how it says so.

GovernanceError
├── NotAuthenticatedError       no identity, or one that does not hold
├── ForbiddenError              the identity may not do this; names the deciding policies
├── NotFoundError               does not exist, or may not be seen: one answer for both
├── ConflictError               another decision came first, or the state does not allow it
├── InvalidDecisionError        a reason, a quantity or a state is missing or impossible
├── PolicyBrokenError           policies or limits that do not parse, validate or translate
├── StoreUnavailableError       the ops store cannot be reached or written
│   └── StoreTooNewError        … or was migrated by a newer version of the product
├── DiskFullError               no space is left to write; what was there before is there still
├── AuditBrokenError            the audit chain does not hold
└── LineageError           a graph that is missing or incomplete
"""

from semantic.errors import SteelyardError


class GovernanceError(SteelyardError):
    """Base of the family."""

    code = "governance-error"


class NotAuthenticatedError(GovernanceError):
    """No identity, or one that does not hold. The message never says which check failed to a caller."""

    code = "not-authenticated"


class ForbiddenError(GovernanceError):
    """The identity is known and may not do this.

    `policy_ids` names the policies that decided (empty: nothing permitted it).
    """

    code = "forbidden"

    def __init__(self, message: str, *, hint: str = "", policy_ids: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.policy_ids = policy_ids


class NotFoundError(GovernanceError):
    """Does not exist, or may not be seen by who asks: the two answer alike."""

    code = "not-found"


class ConflictError(GovernanceError):
    """Somebody else was first, or the state does not allow the step. The caller reads again and decides."""

    code = "conflict"


class IdempotencyMismatchError(ConflictError):
    """The idempotency key was used before, for another request."""

    code = "idempotency-mismatch"


class InvalidDecisionError(GovernanceError):
    """A decision that lacks a reason, names an unknown one, or has an impossible quantity."""

    code = "invalid-decision"


class InvalidCursorError(GovernanceError):
    """A page cursor that this service did not issue."""

    code = "invalid-cursor"


class PolicyBrokenError(GovernanceError):
    """Policies, schema or limits that do not parse, do not validate, or loosen what a higher level set."""

    code = "policy-broken"


class PolicyUntranslatableError(PolicyBrokenError):
    """A row policy that the filter adapter cannot express exactly; it is refused, never approximated."""

    code = "policy-untranslatable"


class StoreUnavailableError(GovernanceError):
    """The ops store cannot be opened, migrated or written; nothing was recorded, so nothing was done."""

    code = "store-unavailable"


class StoreTooNewError(StoreUnavailableError):
    """The ops store was migrated by a newer version of the product; this one leaves it as it is."""

    code = "store-too-new"


class DiskFullError(GovernanceError):
    """No space is left to write; what was there before is there still."""

    code = "disk-full"


class AuditBrokenError(GovernanceError):
    """The audit chain does not hold; the message names the first row that shows it."""

    code = "audit-broken"


class LineageError(GovernanceError):
    """A lineage graph that is missing, unreadable or lost a column's origin."""

    code = "lineage-error"


class UnknownNodeError(LineageError):
    """No node of that name in the graph; the hint names near misses."""

    code = "unknown-node"
