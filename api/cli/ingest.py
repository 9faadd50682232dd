"""`steelyard ingest run`: a source through the contracts into the landing."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.output import Json, console, print_json, print_table
from api.pipeline.steps import ingest_step
from api.settings import settings

app = typer.Typer(help="Bring data in, checked by contract.", no_args_is_help=True)
Source = Annotated[
    str, typer.Option("--source", help="`complete-journey`, or a folder with a folder per table.")
]


@app.callback()
def _noun() -> None:
    """Keeps `run` a verb of its own."""


@app.command()
def run(source: Source = "complete-journey", as_json: Json = False) -> None:
    """Load what is new; the same content twice changes nothing."""
    chosen = settings().model_copy(update={"source": source})
    with console.status("ingest …") as status:
        result = ingest_step(chosen, lambda what, done, total: status.update(f"ingest: {what}"))
    if as_json:
        print_json(result)
        return
    rows = [
        (t["table"], t["rows_in"], t["rows_loaded"], t["rows_quarantined"], "; ".join(t["warnings"]))
        for t in result["tables"].values()
    ]
    columns = ["table", "rows in", "loaded", "quarantined", "warnings"]
    print_table("Nothing changed" if result["unchanged"] else "Ingested", columns, rows)
