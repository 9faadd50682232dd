"""`steelyard ingest run|report`: a source through the contracts into the landing, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import Json, console, print_json, print_table
from api.cli.services import settings

if TYPE_CHECKING:
    from integrations.ingest import HistoryReport

app = typer.Typer(no_args_is_help=True, add_completion=False)
Source = Annotated[
    str | None,
    typer.Option(
        "--source",
        help="A folder with a folder per table, a database URL, or `complete-journey`, the demo; "
        "STEELYARD_SOURCE if left out.",
    ),
]
Table = Annotated[str | None, typer.Option("--table", help="Only this table of the contract.")]

REJECTS_SHOWN = 50


@app.command()
def run(source: Source = None, as_json: Json = False) -> None:
    """Load what is new; the same content twice changes nothing."""
    from api.pipeline.build import ingest_step

    chosen = settings().model_copy(update={"source": source} if source else {})
    with console.status("ingest …") as status:
        result = ingest_step(chosen, lambda what, done=0, total=0: status.update(f"ingest: {what}"))
    if as_json:
        print_json(result.as_dict())
        return
    rows = [
        (t.table, t.rows_in, t.rows_loaded, t.rows_quarantined, "; ".join(t.warnings))
        for t in result.tables.values()
    ]
    columns = ["table", "rows in", "loaded", "quarantined", "warnings"]
    print_table("Nothing changed" if result.unchanged else "Ingested", columns, rows)


@app.command()
def report(table: Table = None, as_json: Json = False) -> None:
    """Batches that landed, and every row that was quarantined, with its file, line, column and rule."""
    from integrations.ingest import history_report

    history = history_report(settings().landing, settings().quarantine, table)
    if as_json:
        print_json(history.as_dict())
        return
    columns = ["table", "batch", "file", "rows in", "loaded", "quarantined", "warnings"]
    rows = [
        (b.table, b.batch_id, b.label, b.rows_in, b.rows_loaded, b.rows_quarantined, "; ".join(b.warnings))
        for b in history.batches
    ]
    state = "complete" if history.is_complete else "not complete: the last ingest did not reach its end"
    print_table(f"Landing of {history.source or 'nothing yet'} ({state})", columns, rows)
    if history.rejects:
        _print_rejects(history)


def _print_rejects(history: HistoryReport) -> None:
    first_rejects = history.rejects[:REJECTS_SHOWN]
    more = len(history.rejects) - len(first_rejects)
    caption = f"… and {more:,} more: --json prints them all." if more else ""
    rows = [
        (r.table, r.file, r.line, r.column, r.rule, "yes" if history.landed(r) else "refused", r.raw_row)
        for r in first_rejects
    ]
    columns = ["table", "file", "line", "column", "rule", "batch landed", "row"]
    print_table("Quarantined rows", columns, rows, caption=caption)
