"""`steelyard serve`: the API, the dashboards and the MLflow UI until Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console

from api.cli.output import Json, console, print_json, print_table
from api.serve import Server, serving, wait_for_interrupt
from api.settings import settings
from governance.releases import ReleaseStore

errors = Console(stderr=True, highlight=False)


def serve(as_json: Json = False) -> None:
    """Serve the current release: API, dashboards and MLflow UI, until Ctrl-C."""
    ReleaseStore(settings().var_dir).current()  # a clear refusal where nothing was built yet
    with ExitStack() as stack:
        chosen = stack.enter_context(_started())
        if as_json:
            print_json([{"name": s.name, "url": s.url, "sign_in": s.sign_in} for s in chosen])
        else:
            print_table("Serving", ["", "address", "sign in"], [(s.name, s.url, s.sign_in) for s in chosen])
            if not settings().superset_venv.exists():
                console.print("The dashboards are not installed here: `make setup-superset` does.")
            console.print("Ctrl-C stops everything that was started here.")
        wait_for_interrupt()


@contextmanager
def _started() -> Iterator[list[Server]]:
    """Every server, with a line that tells what is being waited for; on no terminal, a line each."""
    with ExitStack() as stack:
        with console.status("Starting servers …") as status:

            def tell(what: str) -> None:
                if console.is_terminal:
                    status.update(what)
                else:
                    errors.print(what)

            chosen = stack.enter_context(serving(settings(), tell))
        yield chosen
