"""`steelyard audit verify`: does the record of who did what still hold."""

from __future__ import annotations

from dataclasses import asdict

import typer

from api.cli.output import Json, console, print_json
from api.cli.services import services

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def _noun() -> None:
    """Keeps `verify` a verb of its own."""


@app.command()
def verify(as_json: Json = False) -> None:
    """Walk the whole hash chain and its anchors; exit status 1 if it does not hold."""
    from governance.store.audit import verify as verify_chain

    report = verify_chain(services().store)
    if as_json:
        print_json(asdict(report))
    elif report.holds:
        console.print(f"The audit holds: {report.rows:,} rows.")
    else:
        console.print(f"[bold red]The audit does not hold[/] at row {report.first_broken}: {report.problem}")
    if not report.holds:
        raise typer.Exit(1)
