"""`steelyard auth token USER` and `steelyard auth key issue|list|revoke`: how people and machines sign in."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import Json, console, print_json, print_table
from api.cli.services import AsUser, principal_named, services, settings

if TYPE_CHECKING:
    from governance.identity import ServiceKey

app = typer.Typer(no_args_is_help=True, add_completion=False)
key = typer.Typer(help="Keys of services: scoped, expiring, shown once.", no_args_is_help=True)
app.add_typer(key, name="key")


@app.command()
def token(user: str, as_json: Json = False) -> None:
    """Print a bearer token for a demo USER (executive, planner_east, auditor, …) and nothing else."""
    from api.auth.sign_in import directory_of, local_issuer

    issuer = local_issuer(settings())
    person = directory_of(settings()).user(user)
    lifetime = timedelta(hours=settings().token_hours)
    text = issuer.issue(person.user, now=datetime.now(UTC), lifetime=lifetime)
    if as_json:
        print_json(
            {"token": text, "user": person.user, "role": person.role, "expires_in": lifetime.total_seconds()}
        )
    else:
        print(text)


@key.command()
def issue(
    service: str,
    scope: Annotated[list[str], typer.Option("--scope", help="What the key is for; repeat for more.")],
    days: Annotated[float, typer.Option(help="Days until it expires, a year at most.")] = 90,
    file: Annotated[
        Path | None, typer.Option(help="Write it here, for this user's eyes only, and print nothing.")
    ] = None,
    as_user: AsUser = None,
    as_json: Json = False,
) -> None:
    """Print a new key for SERVICE and nothing else. It is not kept: this is the only time to see it."""
    from api.auth.service_keys import write_private
    from governance.identity import issue_service_key

    if file is not None and not file.resolve().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {file.resolve().parent}", param_hint="--file")
    text = issue_service_key(
        services().store,
        service,
        scopes=scope,
        lifetime=timedelta(days=days),
        created_by=_key_manager(as_user),
        directory=services().directory,
        now=datetime.now(UTC),
    )
    if file is not None:
        write_private(file, text)
    if as_json:
        print_json({"key": None if file else text, "key_id": text.split(".")[1], "service": service})
    elif file is None:
        print(text)


@key.command("list")
def list_(as_user: AsUser = None, as_json: Json = False) -> None:
    """Every key ever issued, newest first, without its secret."""
    from governance.identity import list_service_keys

    _key_manager(as_user)
    rows = list_service_keys(services().store)
    if as_json:
        print_json([asdict(row) | {"state": _state(row)} for row in rows])
        return
    table_rows = [
        (r.key_id, r.service, ", ".join(r.scopes), r.created_by, r.created_at, r.expires_at, _state(r))
        for r in rows
    ]
    print_table(
        "Service keys", ["key", "service", "scopes", "issued by", "issued", "expires", "state"], table_rows
    )


@key.command()
def revoke(key_id: str, as_user: AsUser = None, as_json: Json = False) -> None:
    """From now on the key opens nothing. KEY_ID is the part between the two points."""
    from governance.identity import revoke_service_key

    revoke_service_key(services().store, key_id, revoked_by=_key_manager(as_user), now=datetime.now(UTC))
    if as_json:
        print_json({"key_id": key_id, "state": "revoked"})
    else:
        console.print(f"{key_id}: revoked.")


def _key_manager(as_user: str | None) -> str:
    """Who manages keys, for the audit: an entitled user or this machine's operator. Raises ForbiddenError."""
    from governance.policy.authorize import require

    person = principal_named(as_user)
    if person is None:
        return f"operator:{getpass.getuser()}"
    require(person, "manage_keys")
    return person.user


def _state(row: ServiceKey) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at <= datetime.now(UTC) else "live"
