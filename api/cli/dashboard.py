"""`steelyard dashboard sync`: the dashboards as the definitions say, while the API is being served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from api.cli.output import Json, console, print_json
from api.cli.services import services, settings

if TYPE_CHECKING:
    from api.servers.superset import Provisioned

app = typer.Typer(no_args_is_help=True, add_completion=False)
_progress = Console(stderr=True, highlight=False)


@app.command()
def sync(
    force: Annotated[bool, typer.Option("--force", help="Import again if nothing has changed.")] = False,
    as_json: Json = False,
) -> None:
    """Make datasets, charts, dashboards, roles and people what the definitions say; verify; report."""
    from api.servers.superset import Dashboards

    dashboards = Dashboards(settings(), services())
    report = (lambda _: None) if as_json else (lambda what: _progress.print(f"[dim]{what}[/]"))
    outcome = dashboards.sync(report, force=force)
    if as_json:
        print_json(outcome.model_dump(mode="json"))
    else:
        _print(outcome)


@app.command()
def password(user: str, as_json: Json = False) -> None:
    """Print the generated password of a demo USER of the dashboards, or of `admin`, and nothing else."""
    from api.auth.service_keys import SUPERSET_SERVICE
    from api.servers.superset import ADMIN, Dashboards
    from governance.errors import NotFoundError

    if user != ADMIN:
        person = services().directory.user(user)
        if person.role not in services().directory.roles_delegable_to(SUPERSET_SERVICE):
            raise NotFoundError(f"{user!r} has no account in the dashboards.")
    text = Dashboards(settings(), services()).password(user)
    if as_json:
        print_json({"user": user, "password": text})
    else:
        print(text)


@app.command()
def exposures() -> None:
    """Write the dashboards and their charts into the dbt project, so that lineage knows of them."""
    from dashboards.superset_steelyard.exposures import write_exposures

    console.print(f"{write_exposures(settings().project_dir)} is up to date.")


def _print(outcome: Provisioned) -> None:
    what = "brought up to date" if outcome.changed else "up to date already"
    size = f"{len(outcome.dashboards)} dashboards, {outcome.charts} charts, {outcome.metrics} metrics"
    console.print(f"{size}: {what} ({outcome.seconds} s).")
    for gone in outcome.removed_metrics:
        used = ", ".join(gone.charts) or "no chart"
        console.print(f"[bold]{gone.metric}[/] is no longer defined; it was on: {used}.")
    for one in outcome.waiting:
        names = ", ".join(one.missing)
        console.print(f"[dim]{one.dashboard}/{one.chart} waits for data or a definition: {names}.[/]")
