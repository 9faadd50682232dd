"""`steelyard restore`: a backup put in place of the state."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.doctor import examined, exit_if_failed, show_findings
from api.cli.output import Json, console, print_json
from api.cli.services import settings

app = typer.Typer(add_completion=False)


@app.command()
def restore(
    archive: Path,
    force: Annotated[
        bool, typer.Option("--force", help="Move a state that is there aside; it is never deleted.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Put the state of ARCHIVE in place, every byte checked, then look at it as `doctor --deep` does."""
    from api.backup import restore_backup

    with console.status("Restoring …") as status:
        report = restore_backup(
            settings(), archive, force=force, progress=lambda what: status.update(f"Restoring: {what}")
        )
    if as_json:
        findings = examined(deep=True)
        print_json(
            {
                "files": report.files,
                "product_version": report.product_version,
                "created_at": report.created_at,
                "includes_secrets": report.includes_secrets,
                "moved_aside": list(report.moved_aside),
                "findings": [finding.as_dict() for finding in findings],
            }
        )
    else:
        origin = f"of {report.created_at}, made by Steelyard {report.product_version}"
        console.print(f"Restored {report.files:,} files {origin}.")
        for aside in report.moved_aside:
            console.print(f"What was there before is in {aside}.", soft_wrap=True)
        if not report.includes_secrets:
            console.print("Keys and passwords were not in it: put the audit's key in place before all else.")
        console.print("[dim]Start servers that run again: they still have the old state open.[/]")
        findings = examined(deep=True)
        show_findings(findings)
    exit_if_failed(findings)
