"""`steelyard customer export|erase|replay|retention`: a customer's rights."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import Json, console, print_json, print_table
from api.cli.services import AsUser, person_named, services, settings

if TYPE_CHECKING:
    from api.services.customer_rights import CustomerRights, ErasureReport
    from governance.identity import Principal

app = typer.Typer(no_args_is_help=True, add_completion=False)
Customer = Annotated[
    str, typer.Argument(help="The customer's key in the retailer's own data; - reads it from standard input.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why: the request's number, never the customer's.")]

TokenFile = Annotated[
    Path | None,
    typer.Option(help="Act as the person of this token, where people come from outside."),
]


@app.command()
def export(
    customer: Customer,
    reason: Reason,
    as_user: AsUser = None,
    token_file: TokenFile = None,
    as_json: Json = False,
) -> None:
    """Print what is held of a customer, as JSON: rows as recorded, the profile made of them, rejects."""
    person = _person(as_user, token_file)
    print_json(_rights().export(person, _key(customer), reason, now=datetime.now(UTC)))


@app.command()
def erase(
    customer: Customer,
    reason: Reason,
    as_user: AsUser = None,
    token_file: TokenFile = None,
    as_json: Json = False,
) -> None:
    """Erase a customer: one person asks, another runs the same command, which carries it out.

    Sales and returns stay, without the customer; all else goes, old releases too. It cannot be undone.
    """
    person = _person(as_user, token_file)
    with console.status("erase …") as status:
        report = _rights().erase(
            person,
            _key(customer),
            reason,
            now=datetime.now(UTC),
            progress=lambda what, done=0, total=0: status.update(f"erase: {what}"),
        )
    if as_json:
        print_json(asdict(report))
    elif report.state == "erased":
        _print_changes("Erased", report)
    else:
        console.print(
            f"Asked for by {report.asked_by}. Another person confirms with the same command within 30 days."
        )


@app.command()
def replay(as_json: Json = False) -> None:
    """Erase again whom a restored backup has brought back: after every restore, before anything is served."""
    with console.status("replay …") as status:
        report = _rights().replay(
            now=datetime.now(UTC),
            progress=lambda what, done=0, total=0: status.update(f"replay: {what}"),
        )
    if as_json:
        print_json(asdict(report))
    else:
        _print_changes("Erased again", report)


@app.command()
def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    as_json: Json = False,
) -> None:
    """Take the customer out of rows that are older than STEELYARD_RETENTION lets their table be."""
    with console.status("retention …") as status:
        report = _rights().retain(
            now=datetime.now(UTC),
            dry_run=dry_run,
            progress=lambda what, done=0, total=0: status.update(f"retention: {what}"),
        )
    print_json(asdict(report)) if as_json else _print_changes(
        "Would expire" if dry_run else "Expired", report
    )


def _rights() -> CustomerRights:
    from api.services.customer_rights import CustomerRights

    return CustomerRights(settings(), services().store)


def _person(as_user: str | None, token_file: Path | None) -> Principal:
    """Who acts, by name on the demo, else by a token. Raises NotAuthenticatedError or NotFoundError."""
    if token_file is None:
        return person_named(as_user)
    return services().tokens.verify(token_file.read_text().strip(), now=datetime.now(UTC))


def _key(customer: str) -> str:
    """The key, which is better not an argument: a shell keeps those, and libraries write them down."""
    if customer == "-":
        return sys.stdin.readline().strip()
    sys.argv = ["-" if argument == customer else argument for argument in sys.argv]
    return customer


def _print_changes(title: str, report: ErasureReport) -> None:
    rows = [*report.landed.items(), ("(quarantine)", report.quarantined)]
    caption = ""
    if report.release_id:
        caption = (
            f"Release {report.release_id} serves; removed: {', '.join(report.releases_removed) or 'none'}."
        )
    print_table(title, ["table", "rows"], rows, caption=caption)
