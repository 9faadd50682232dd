"""The adapter: what Cedar leaves open about an unknown resource, as a row condition. Exact, or refused.

A Cedar expression is true, false or an error. It is translated into a pair of two-valued conditions, "it is
true" and "it is an error"; a missing attribute (NULL) is an error if Cedar makes it one. A row is shown
when some permit is true, no forbid is true, and nothing is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from governance.errors import PolicyUntranslatableError
from governance.json_types import JsonObject
from governance.policy.predicate import (
    FALSE,
    TRUE,
    Compare,
    Fixed,
    NotNull,
    OneOf,
    Predicate,
    Scalar,
    every,
    negate,
    some,
)


@dataclass(frozen=True)
class RowType:
    """An entity type whose instances are rows: the type's name in the schema, and its attributes' types."""

    name: str
    attributes: Mapping[str, type]


@dataclass(frozen=True)
class _Truth:
    """A boolean: when it is true, when it is an error. Never both."""

    true: Predicate
    error: Predicate = FALSE

    @property
    def false(self) -> Predicate:
        return every([negate(self.true), negate(self.error)])


@dataclass(frozen=True)
class _Constant:
    value: Scalar | frozenset[Scalar]


@dataclass(frozen=True)
class _Attribute:
    name: str
    type: type


@dataclass(frozen=True)
class _Row:
    """The unknown resource itself."""


_Term: TypeAlias = _Truth | _Constant | _Attribute | _Row
_ORDER = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def row_condition(residuals: Mapping[str, JsonObject], row_type: RowType) -> Predicate:
    """Which rows the residual policies permit. Raises PolicyUntranslatableError, naming the policy."""
    permits: list[Predicate] = []
    forbids: list[Predicate] = []
    errors: list[Predicate] = []
    for policy_id, policy in residuals.items():
        name = policy.get("annotations", {}).get("id") or policy_id
        try:
            condition = _policy(policy, row_type)
        except (PolicyUntranslatableError, KeyError, TypeError, ValueError) as error:
            raise PolicyUntranslatableError(
                f"Policy {name!r} cannot be turned into a row filter: {error}.",
                hint="use comparisons with constants, contains, has, &&, ||, ! and if on attributes",
            ) from error
        errors.append(condition.error)
        (permits if policy["effect"] == "permit" else forbids).append(condition.true)
    return every([some(permits), negate(some(forbids)), negate(some(errors))])


def _policy(policy: JsonObject, row_type: RowType) -> _Truth:
    if any(policy[scope]["op"] != "All" for scope in ("principal", "action", "resource")):
        raise PolicyUntranslatableError("its scope was not resolved")
    condition = _Truth(TRUE)
    for clause in policy["conditions"]:
        if condition.true == FALSE:
            break
        body = _truth(clause["body"], row_type)
        condition = _and(condition, body if clause["kind"] == "when" else _Truth(body.false, body.error))
    return condition


def _truth(body: JsonObject, row_type: RowType) -> _Truth:
    term = _term(body, row_type)
    if isinstance(term, _Truth):
        return term
    if isinstance(term, _Constant) and isinstance(term.value, bool):
        return _Truth(Fixed(term.value))
    if isinstance(term, _Attribute) and term.type is bool:
        return _test(term, OneOf(term.name, (True,)))
    raise PolicyUntranslatableError("a condition that is not a truth value")


def _term(body: JsonObject, row_type: RowType) -> _Term:
    if len(body) != 1:
        raise PolicyUntranslatableError(f"an expression of an unknown form: {sorted(body)}")
    ((kind, parts),) = body.items()
    if kind in ("Value", "Set", "unknown"):
        return _operand(kind, parts)
    if kind in ("&&", "||", "!", "if-then-else"):
        return _connective(kind, parts, row_type)
    left = _term(parts["left"], row_type)
    if kind in (".", "has"):
        return _access(kind, left, parts["attr"], row_type)
    if kind == "is" and isinstance(left, _Row):
        return _Truth(Fixed(parts["entity_type"] == row_type.name))
    if kind in ("==", "!=", "contains", *_ORDER):
        return _relation(kind, left, _term(parts["right"], row_type))
    raise PolicyUntranslatableError(f"operator {kind!r}")


def _operand(kind: str, parts: Any) -> _Term:
    if kind == "unknown":
        if parts != [{"Value": "resource"}]:
            raise PolicyUntranslatableError(f"an unknown other than the resource: {parts}")
        return _Row()
    if kind == "Set":
        values = [_operand("Value", item["Value"]) for item in parts]
        return _Constant(frozenset(_scalar(value) for value in values))
    if not isinstance(parts, str | int | bool):
        raise PolicyUntranslatableError("a constant that is neither text nor a number nor a truth value")
    return _Constant(parts)


def _scalar(term: _Term) -> Scalar:
    if isinstance(term, _Constant) and not isinstance(term.value, frozenset):
        return term.value
    raise PolicyUntranslatableError("a set that holds more than constants")


def _connective(kind: str, parts: JsonObject, row_type: RowType) -> _Truth:
    if kind == "!":
        inner = _truth(parts["arg"], row_type)
        return _Truth(inner.false, inner.error)
    if kind == "if-then-else":
        test = _truth(parts["if"], row_type)
        if isinstance(test.true, Fixed) and test.error == FALSE:
            return _truth(parts["then" if test.true.value else "else"], row_type)
        then, other = _truth(parts["then"], row_type), _truth(parts["else"], row_type)
        true = some([every([test.true, then.true]), every([test.false, other.true])])
        error = some([test.error, every([test.true, then.error]), every([test.false, other.error])])
        return _Truth(true, error)
    left = _truth(parts["left"], row_type)
    if left.true == (FALSE if kind == "&&" else TRUE):  # decided: Cedar does not look right, nor may we
        return left
    right = _truth(parts["right"], row_type)
    return _and(left, right) if kind == "&&" else _or(left, right)


def _and(left: _Truth, right: _Truth) -> _Truth:
    return _Truth(every([left.true, right.true]), some([left.error, every([left.true, right.error])]))


def _or(left: _Truth, right: _Truth) -> _Truth:
    true = some([left.true, every([negate(left.error), right.true])])
    return _Truth(true, some([left.error, every([negate(left.true), right.error])]))


def _access(kind: str, left: _Term, name: str, row_type: RowType) -> _Term:
    if not isinstance(left, _Row):
        raise PolicyUntranslatableError("an attribute of something other than the resource")
    if name not in row_type.attributes:
        raise PolicyUntranslatableError(
            f"attribute {name!r}, which {row_type.name} does not have as a column"
        )
    return _Truth(NotNull(name)) if kind == "has" else _Attribute(name, row_type.attributes[name])


def _relation(kind: str, left: _Term, right: _Term) -> _Truth:
    if kind == "contains":
        if (
            isinstance(left, _Constant)
            and isinstance(left.value, frozenset)
            and isinstance(right, _Attribute)
        ):
            return _one_of(right, left.value)
        raise PolicyUntranslatableError("contains, other than of an attribute in a fixed set")
    if isinstance(left, _Constant) and isinstance(right, _Attribute):
        left, right, kind = right, left, _ORDER.get(kind, kind)
    if not (isinstance(left, _Attribute) and isinstance(right, _Constant)):
        raise PolicyUntranslatableError(f"{kind!r}, other than of an attribute with a constant")
    if kind in ("==", "!="):
        equal = _one_of(left, frozenset({_scalar(right)}))
        return equal if kind == "==" else _Truth(equal.false, equal.error)
    value = _scalar(right)
    if left.type is not int or isinstance(value, bool) or not isinstance(value, int):
        raise PolicyUntranslatableError(f"{kind!r} on something that is not a whole number")
    return _test(left, Compare(left.name, kind, value))


def _one_of(attribute: _Attribute, values: frozenset[Scalar]) -> _Truth:
    """Values of another type are never equal, as in Cedar; no cast is left to SQL."""
    fitting = tuple(sorted(value for value in values if type(value) is attribute.type))
    return _test(attribute, OneOf(attribute.name, fitting) if fitting else FALSE)


def _test(attribute: _Attribute, condition: Predicate) -> _Truth:
    is_known = NotNull(attribute.name)
    return _Truth(every([is_known, condition]), negate(is_known))
