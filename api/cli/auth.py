"""`steelyard auth token USER`: sign in to the demo."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import typer

from api.cli.output import Json, print_json
from api.settings import settings
from api.sign_in import local_issuer
from governance.identity import Directory

app = typer.Typer(help="Sign in to the demo.", no_args_is_help=True)


@app.callback()
def _noun() -> None:
    """Keeps `token` a verb of its own."""


@app.command()
def token(user: str, as_json: Json = False) -> None:
    """Print a bearer token for a demo USER (executive, planner_east, auditor, …) and nothing else."""
    person = Directory.load().user(user)
    lifetime = timedelta(hours=settings().token_hours)
    text = local_issuer(settings()).issue(person.user, now=datetime.now(UTC), lifetime=lifetime)
    if as_json:
        print_json(
            {"token": text, "user": person.user, "role": person.role, "expires_in": lifetime.total_seconds()}
        )
    else:
        print(text)
