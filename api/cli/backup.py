"""`steelyard backup`: the whole state in one archive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.output import Json, console, print_json
from api.cli.services import settings

app = typer.Typer(add_completion=False)


@app.command()
def backup(
    to: Annotated[
        Path | None, typer.Option(help="File, or a folder that is there; without it the current folder.")
    ] = None,
    without_secrets: Annotated[
        bool,
        typer.Option("--without-secrets", help="Leave keys and passwords out; they are in it otherwise."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the whole state into one archive, while it is in use.

    Ops store, landing, releases, models with their artifacts, anchors, and keys and passwords.
    """
    from api.backup import write_backup

    with console.status("Backing up …") as status:
        report = write_backup(
            settings(),
            to,
            secrets=not without_secrets,
            progress=lambda what: status.update(f"Backing up: {what}"),
        )
    if as_json:
        print_json(
            {
                "archive": str(report.archive),
                "files": report.files,
                "bytes": report.bytes,
                "includes_secrets": report.includes_secrets,
            }
        )
        return
    console.print(f"{report.archive}: {report.files:,} files, {report.bytes / 1e6:,.1f} MB.", soft_wrap=True)
    secrets = "Keys and passwords are in it: keep it where only you can read it."  # pragma: allowlist secret
    console.print(f"[dim]{secrets if report.includes_secrets else 'Keys and passwords are not in it.'}[/]")
