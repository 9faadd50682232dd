"""Limits of decisions, inherited from enterprise to banner to region. A lower level may only tighten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path

import yaml

from governance.approvals.actions import ACTIONS, ROUTES
from governance.errors import PolicyBrokenError
from governance.json_types import JsonDict, JsonObject

DEFAULT_LIMITS = Path(__file__).parent / "limits.yaml"


@dataclass(frozen=True)
class Level:
    """Limits that hold somewhere. Money in the reporting currency, confidence and markdown depth as shares.

    `least_routes` tightens, by action, the least strict route that the action itself asks for.
    """

    automatic_below: float
    planner_below: float
    category_manager_below: float
    finance_controller_below: float
    minimum_confidence: float
    two_people_below_confidence: float
    escalate_after_hours: float
    expire_after_hours: float
    stale_after_days: float
    greatest_markdown_share: float
    least_routes: Mapping[str, str] = field(default_factory=dict)
    category_manager_departments: frozenset[str] = frozenset()

    def least_route(self, action: str) -> str:
        """The least strict route of an action; two people for what is not an action."""
        if action not in ACTIONS:
            return "two_people"
        return self.least_routes.get(action, ACTIONS[action].least_route)

    def tightened(self, changes: JsonObject, where: str) -> Level:
        """With the changes of a lower level. Raises PolicyBrokenError when one loosens or is unknown."""
        values = _values(changes, where)
        for name, value in values.items():
            own = getattr(self, name)
            if name == "category_manager_departments":
                loosens = not own <= value
            elif name == "least_routes":
                loosens = any(
                    ROUTES.index(route) < ROUTES.index(self.least_route(action))
                    for action, route in value.items()
                )
                values[name] = {**own, **value}
            else:
                loosens = value < own if name.endswith("confidence") else value > own
            if loosens:
                raise PolicyBrokenError(
                    f"{where} loosens {name} from {own} to {value}.", hint="a lower level may only tighten"
                )
        return replace(self, **values)


@dataclass(frozen=True)
class Limits:
    """All levels of an installation."""

    enterprise: Level
    banners: Mapping[str, JsonObject]
    regions: Mapping[str, JsonObject]

    @classmethod
    def load(cls, path: Path = DEFAULT_LIMITS) -> Limits:
        """Raises PolicyBrokenError on a file that does not parse, or if a lower level loosens."""
        try:
            content = yaml.safe_load(path.read_text())
            values = _values(content["enterprise"], "enterprise")
            routes = values.pop("least_routes", {})
            enterprise = Level(**values).tightened({"least_routes": routes}, "enterprise")
            limits = cls(enterprise, dict(content.get("banners") or {}), dict(content.get("regions") or {}))
        except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
            raise PolicyBrokenError(f"The limits in {path.name} cannot be read: {error}.") from error
        for banner in (None, *limits.banners):
            for region in (None, *limits.regions):
                limits.at(banner, region)
        return limits

    def at(self, banner: str | None, region: str | None) -> Level:
        """What holds for a store of this banner and region."""
        level = self.enterprise
        for names, name, kind in ((self.banners, banner, "banner"), (self.regions, region, "region")):
            if name is not None and name in names:
                level = level.tightened(names[name], f"{kind} {name}")
        return level


def _values(changes: JsonObject, where: str) -> JsonDict:
    changes = _present_names(changes, where)
    valid_names = {one.name for one in fields(Level)}
    if unknown := set(changes) - valid_names:
        raise PolicyBrokenError(f"{where} has unknown limits: {', '.join(sorted(unknown))}.")
    values: JsonDict = {}
    for name, value in changes.items():
        if name == "category_manager_departments":
            values[name] = frozenset(value)
        elif name == "least_routes":
            values[name] = _routes_by_action(value, where)
        elif isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise PolicyBrokenError(f"{where}: {name} must be a number from zero, not {value!r}.")
        else:
            values[name] = float(value)
    return values


def _present_names(changes: JsonObject, where: str) -> JsonObject:
    """With the names that amounts had before replaced: `automatic_below_usd` is read until 0.3."""
    former = {f"{route}_below_usd": f"{route}_below" for route in ROUTES}
    if twice := [name for name in changes if former.get(name) in changes]:
        raise PolicyBrokenError(f"{where} has both {twice[0]} and {former[twice[0]]}, its present name.")
    return {former.get(name, name): value for name, value in changes.items()}


def _routes_by_action(value: Mapping[str, str] | None, where: str) -> dict[str, str]:
    for action, route in dict(value or {}).items():
        if action not in ACTIONS or route not in ROUTES:
            raise PolicyBrokenError(
                f"{where}: least_routes says {action}: {route}.",
                hint=f"actions: {', '.join(ACTIONS)}; routes: {', '.join(ROUTES)}",
            )
    return dict(value or {})


@lru_cache(maxsize=1)
def default_limits() -> Limits:
    """The packaged limits, read once."""
    return Limits.load()
