"""`steelyard doctor`: what on this machine would keep the platform from serving."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import Json, console, print_json, print_table
from api.cli.services import settings

if TYPE_CHECKING:
    from api.doctor import Finding

app = typer.Typer(add_completion=False)
_COLOURS = {"ok": "green", "warning": "yellow", "failed": "bold red"}


@app.command()
def doctor(
    deep: Annotated[
        bool, typer.Option("--deep", help="Read everything that is stored in full, too: minutes at scale.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check machine, settings, release, stores and models; exit status 1 if something failed."""
    findings = examined(deep=deep)
    if as_json:
        print_json({"findings": [finding.as_dict() for finding in findings]})
    else:
        show_findings(findings)
    exit_if_failed(findings)


def examined(*, deep: bool = False) -> list[Finding]:
    """Every finding; on a terminal the check that is running is shown meanwhile."""
    from api.doctor import examine

    with console.status("Looking …") as status:
        return list(examine(settings(), report=lambda what: status.update(f"Looking at {what} …"), deep=deep))


def show_findings(findings: list[Finding]) -> None:
    """A table of them, and how many there are of each level."""
    rows = [(f.subject, f.level.value, f.message, f.hint) for f in findings]
    print_table("Steelyard on this machine", ["", "", "found", "what to do"], rows)
    counts = Counter(finding.level.value for finding in findings)
    counted = [f"[{colour}]{counts[level]} {level}[/]" for level, colour in _COLOURS.items() if counts[level]]
    console.print(", ".join(counted) + ".")


def exit_if_failed(findings: list[Finding]) -> None:
    """Exit status 1 if one of them says so."""
    if any(finding.level.value == "failed" for finding in findings):
        raise typer.Exit(1)
