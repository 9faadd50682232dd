"""Put the nouns together, and turn every refusal into a sentence and an exit status."""

from __future__ import annotations

import json
import sys

import typer
from rich.console import Console
from rich.markup import escape

from api.cli import (
    audit,
    auth,
    dashboard,
    doctor,
    drift,
    ingest,
    lineage,
    metric,
    model,
    pipeline,
    policy,
    recommendation,
    release,
    score,
    serve,
)
from api.cli.services import close_services
from semantic.errors import SteelyardError

app = typer.Typer(
    name="steelyard",
    help="Governed analytics and BI semantic platform for retailers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for noun in (
    pipeline,
    ingest,
    release,
    metric,
    model,
    score,
    drift,
    recommendation,
    lineage,
    policy,
    audit,
    auth,
    dashboard,
):
    app.add_typer(noun.app, name=noun.__name__.rpartition(".")[2])
app.command("serve")(serve.serve)
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Entry point of the `steelyard` script."""
    try:
        app()
    except SteelyardError as error:
        _report(error)
        sys.exit(1)
    except BrokenPipeError:  # the reader of our output has gone (| head)
        sys.stderr.close()
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        close_services()


def _report(error: SteelyardError) -> None:
    if "--json" in sys.argv:
        problem = {"code": error.code, "message": error.message, "hint": error.hint}
        print(json.dumps({"error": problem}), file=sys.stderr)
        return
    console = Console(stderr=True, highlight=False)
    console.print(f"[bold red]{error.code}[/] {escape(error.message)}", soft_wrap=True)
    if error.hint:
        console.print(escape(error.hint), style="dim", soft_wrap=True)
