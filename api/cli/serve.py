"""`steelyard serve`: the API and the MLflow UI until Ctrl-C."""

from __future__ import annotations

from contextlib import ExitStack

from api.cli.output import Json, console, print_json, print_table
from api.serve import serving, wait_for_interrupt
from api.settings import settings
from governance.releases import ReleaseStore


def serve(as_json: Json = False) -> None:
    """Serve the current release: API and MLflow UI, until Ctrl-C."""
    ReleaseStore(settings().var_dir).current()  # a clear refusal where nothing was built yet
    with ExitStack() as stack:
        with console.status("Starting servers …"):
            chosen = stack.enter_context(serving(settings()))
        if as_json:
            print_json([{"name": s.name, "url": s.url, "sign_in": s.sign_in} for s in chosen])
        else:
            print_table("Serving", ["", "address", "sign in"], [(s.name, s.url, s.sign_in) for s in chosen])
            console.print("Ctrl-C stops everything that was started here.")
        wait_for_interrupt()
