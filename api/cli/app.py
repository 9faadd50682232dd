"""Put the nouns together, and turn every refusal into a sentence and an exit status."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from api.auth.log_redaction import redact_logs
from api.cli.services import close_services

if TYPE_CHECKING:
    from semantic.errors import SteelyardError

NOUNS = {
    "pipeline": "The main job: recorded data in, governed numbers and recommendations out.",
    "ingest": "Bring data in, checked by contract.",
    "release": "Build, publish and roll back releases.",
    "metric": "Governed numbers.",
    "model": "Models, their evidence and who let them score.",
    "score": "Score the coming weeks and propose what follows.",
    "drift": "Drift of features, forecasts and errors.",
    "recommendation": "See what is proposed, and decide.",
    "customer": "A customer's rights: export, erasure, retention.",
    "lineage": "Where numbers come from.",
    "policy": "Who may see and do what, and why.",
    "audit": "The record of every decision.",
    "auth": "Sign in.",
    "dashboard": "Executive dashboards in Superset.",
    "serve": "Serve the current release: API, dashboards and MLflow UI, until Ctrl-C.",
    "doctor": "Check machine, settings, release, stores and models; exit status 1 if something failed.",
    "backup": "Write the whole state into one archive, while it is in use.",
    "restore": "Put the state of a backup in place, every byte checked.",
}
"""Each noun is the module of that name beside this one, with a Typer `app`; this is its help."""


class Nouns(TyperGroup):
    """Knows every noun by name and help. A noun's module is imported when the noun is called."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {name: TyperCommand(name=name, help=text) for name, text in NOUNS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The noun that is called, imported, and what is left of the arguments."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, name and _imported(name), rest


def _imported(name: str) -> Any:
    command = typer.main.get_command(import_module(f"api.cli.{name}").app)
    command.name, command.help = name, NOUNS[name]
    return command


app = typer.Typer(
    name="steelyard",
    cls=Nouns,
    help="Governed analytics and BI semantic platform for retailers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _steelyard() -> None:
    """A group, although its commands are not registered here."""
    redact_logs()


def main() -> None:
    """Entry point of the `steelyard` script."""
    try:
        app()
    except BrokenPipeError:  # the reader of our output has gone (| head)
        sys.stderr.close()
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from semantic.errors import SteelyardError

        if not isinstance(error, SteelyardError):
            raise
        _report(error)
        sys.exit(1)
    finally:
        close_services()


def _report(error: SteelyardError) -> None:
    from rich.console import Console
    from rich.markup import escape

    if "--json" in sys.argv:
        problem = {"code": error.code, "message": error.message, "hint": error.hint}
        print(json.dumps({"error": problem}), file=sys.stderr)
        return
    console = Console(stderr=True, highlight=False)
    console.print(f"[bold red]{error.code}[/] {escape(error.message)}", soft_wrap=True)
    if error.hint:
        console.print(escape(error.hint), style="dim", soft_wrap=True)
