"""The people and services of an installation, from one YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from governance.errors import NotAuthenticatedError, NotFoundError, PolicyBrokenError
from governance.identity.principal import FORMER_LIMIT, SCOPES, Principal
from governance.json_types import JsonObject
from semantic.suggest import near

DEMO = Path(__file__).parent.parent / "demo_users.yaml"
_KEYS = {"role", "regions", "stores", "departments", "banners", "purposes"} | {
    "approval_limit",
    FORMER_LIMIT,
    "on_behalf_of",
    "scopes",
}


@dataclass(frozen=True)
class Directory:
    """Attributes by user and by service name. A name is never both."""

    users: Mapping[str, JsonObject]
    services: Mapping[str, JsonObject]

    @classmethod
    def load(cls, path: Path = DEMO) -> Directory:
        """Raises PolicyBrokenError on a file that does not parse or holds an unknown attribute."""
        try:
            content = yaml.safe_load(path.read_text())
            users, services = dict(content["users"]), dict(content.get("services") or {})
        except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
            raise PolicyBrokenError(
                f"The user directory {path} cannot be read: {error}.",
                hint="STEELYARD_DIRECTORY names it; write it like governance/demo_users.yaml",
            ) from error
        if twice := set(users) & set(services):
            raise PolicyBrokenError(f"Both a user and a service: {sorted(twice)}.")
        directory = cls(users, services)
        for name, entry in {**users, **services}.items():
            if unknown := set(entry) - _KEYS:
                raise PolicyBrokenError(f"{name!r} has unknown attributes: {sorted(unknown)}.")
            if unknown := set(entry.get("scopes", ())) - SCOPES:
                raise PolicyBrokenError(f"{name!r} has unknown scopes: {sorted(unknown)}.")
            if {"approval_limit", FORMER_LIMIT} <= set(entry):
                raise PolicyBrokenError(
                    f"{name!r} has both approval_limit and {FORMER_LIMIT}, its former name."
                )
            Principal.from_attributes(name, entry)
        return directory

    def without_people(self) -> Directory:
        """The services alone, for where people come from an identity provider."""
        return Directory({}, self.services)

    def user(self, name: str) -> Principal:
        """A person. Raises NotFoundError with the near miss."""
        if name not in self.users:
            hint = near(name, self.users, 1) or f"users: {', '.join(sorted(self.users))}"
            raise NotFoundError(f"No user {name!r}.", hint=hint)
        return Principal.from_attributes(name, self.users[name])

    def service(self, name: str) -> Principal:
        """A service, with its role's rights and no scopes.

        Raises NotAuthenticatedError when it is unknown.
        """
        if name not in self.services:
            raise NotAuthenticatedError(f"No service {name!r}.")
        return Principal.from_attributes(name, self.services[name], is_service=True, scopes=frozenset())

    def roles_delegable_to(self, service: str) -> frozenset[str]:
        """Roles of the people whom this service may act for; empty for most."""
        return frozenset(self.services.get(service, {}).get("on_behalf_of", ()))

    def scopes_of(self, service: str) -> frozenset[str]:
        """What a key of this service may be issued for, at most; a key that holds more is cut down to it."""
        return frozenset(self.services.get(service, {}).get("scopes", ()))
