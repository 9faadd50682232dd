"""`steelyard serve`: the API, the dashboards and the MLflow UI until Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from api.cli.output import Json, console, print_json, print_table
from api.cli.services import settings

if TYPE_CHECKING:
    from api.servers.serve import Server

app = typer.Typer(add_completion=False)
errors = Console(stderr=True, highlight=False)


@app.command()
def serve(as_json: Json = False) -> None:
    """Serve the current release: API, dashboards and MLflow UI, until Ctrl-C."""
    from api.servers.serve import install_signal_handlers, wait_for_interrupt
    from governance.releases import ReleaseStore

    ReleaseStore(settings().var_dir).serving()  # a clear refusal if nothing was built yet
    install_signal_handlers()
    with ExitStack() as stack:
        chosen = stack.enter_context(_started())
        if as_json:
            print_json([{"name": n, "url": url, "sign_in": how} for n, url, how in _addresses(chosen)])
        else:
            print_table("Serving", ["", "address", "sign in"], _addresses(chosen))
            if not settings().superset_venv.exists():
                console.print("The dashboards are not installed here: `make setup-superset` does.")
            console.print("Ctrl-C stops everything that was started here.")
        wait_for_interrupt()


def _addresses(chosen: list[Server]) -> list[tuple[str, str, str]]:
    """Name, address and sign-in of every server, and of the review page, which the API serves."""
    from api.auth.secret import secret_in
    from api.review.session import password_file

    configured = settings()
    page = f"http://{configured.host}:{configured.api_port}/review"
    how = "your identity provider"
    if not configured.oidc_issuer:
        secret_in(password_file(configured))
        how = f"a demo user, password in {password_file(configured)}"
    return [("Review", page, how), *((s.name, s.url, s.sign_in) for s in chosen)]


@contextmanager
def _started() -> Iterator[list[Server]]:
    """Every server, with a line that says what is being waited for; on no terminal, a line each."""
    from api.servers.serve import serving

    with ExitStack() as stack:
        with console.status("Starting servers …") as status:

            def report(what: str) -> None:
                if console.is_terminal:
                    status.update(what)
                else:
                    errors.print(what)

            chosen = stack.enter_context(serving(settings(), report))
        yield chosen
