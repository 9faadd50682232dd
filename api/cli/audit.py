"""`steelyard audit verify|rotate-key`: does the record of who did what still hold, and what seals it."""

from __future__ import annotations

from dataclasses import asdict

import typer

from api.cli.output import Json, console, print_json
from api.cli.services import services, settings

app = typer.Typer(no_args_is_help=True, add_completion=False)
_NAMED = 20  # rows that differ and are named one by one


@app.command()
def verify(as_json: Json = False) -> None:
    """Walk the hash chain, its anchors and every row that it binds; exit status 1 if something differs."""
    from governance.store.audit import verify as verify_chain

    report = verify_chain(services().store)
    if as_json:
        print_json(asdict(report))
    elif report.holds:
        first = report.keyed_from
        keyed = "no key has sealed them yet" if first is None else f"sealed by a key from row {first}"
        console.print(f"The audit holds: {report.rows:,} rows, {keyed}.")
    else:
        at = f" at row {report.first_broken}" if report.first_broken else ""
        console.print(f"[bold red]The audit does not hold[/]{at}: {report.problem}")
        for difference in report.changed[1:_NAMED]:
            console.print(difference)
    if not report.holds:
        raise typer.Exit(1)


@app.command("rotate-key")
def rotate_key(as_json: Json = False) -> None:
    """Seal new entries with a new key; the old one names it, and is kept to verify what it sealed."""
    import getpass
    from datetime import UTC, datetime

    from api.services.ops_store import add_key
    from governance.store.audit import AuditEntry, append

    store = services().store
    store.keys = add_key(settings())
    key_id = store.keys.current.key_id
    entry = AuditEntry(f"operator:{getpass.getuser()}", "audit.use_key", f"audit_key.{key_id}")
    with store.write() as transaction:
        append(transaction, entry, now=datetime.now(UTC))
    if as_json:
        print_json({"key_id": key_id, "keys": len(store.keys.keys)})
    else:
        console.print(f"New entries are sealed with key {key_id}. Start servers that run again.")
