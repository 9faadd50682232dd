"""What commands share: settings, the process's services, and who a command acts as.

The command line imports nothing heavy until a command asks for it here or imports it itself.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from api.settings import Settings
    from api.wiring import Services
    from governance.identity import Principal

AsUser = Annotated[
    str | None,
    typer.Option("--as", help="Act as this demo user; without it, as the operator of this machine."),
]


def settings() -> Settings:
    """The process's settings. Raises SettingsInvalidError."""
    from api.settings import settings as read

    return read()


@lru_cache(maxsize=1)
def services() -> Services:
    """Each part is opened on first use."""
    from api.wiring import Services

    return Services.from_settings(settings())


def close_services() -> None:
    """Give connections back before the interpreter ends; does nothing if none were opened."""
    if services.cache_info().currsize:
        services().close()


def principal_named(user: str | None) -> Principal | None:
    """The demo user of that name, or None for the operator. Raises NotFoundError with the near miss."""
    return None if user is None else services().directory.user(user)


def person_named(user: str | None) -> Principal:
    """Who decides. A decision is a person's, so the operator has to name one: a usage error otherwise."""
    if user is None:
        raise typer.BadParameter("a decision is a person's: name who decides", param_hint="--as")
    return services().directory.user(user)
