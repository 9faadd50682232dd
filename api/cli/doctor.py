"""`steelyard doctor`: what on this machine would keep the platform from serving."""

from __future__ import annotations

from collections import Counter

import typer

from api.cli.output import Json, console, print_json, print_table
from api.cli.services import settings

app = typer.Typer(add_completion=False)
_COLOURS = {"ok": "green", "warning": "yellow", "failed": "bold red"}


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check machine, settings, release, stores and models; exit status 1 if something failed."""
    from api.doctor import Level, examine

    with console.status("Looking …") as status:
        findings = list(examine(settings(), report=lambda what: status.update(f"Looking at {what} …")))
    counts = Counter(finding.level for finding in findings)
    if as_json:
        print_json({"findings": [finding.as_dict() for finding in findings]})
    else:
        rows = [(f.subject, f.level.value, f.message, f.hint) for f in findings]
        print_table("Steelyard on this machine", ["", "", "found", "what to do"], rows)
        counted = [
            f"[{_COLOURS[level.value]}]{counts[level]} {level.value}[/]" for level in Level if counts[level]
        ]
        console.print(", ".join(counted) + ".")
    if counts[Level.FAILED]:
        raise typer.Exit(1)
