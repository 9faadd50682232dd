"""`steelyard serve`: the API, the dashboards and the MLflow UI until Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console

from api.auth.secret import secret_in
from api.cli.output import Json, console, print_json, print_table
from api.review import password_file
from api.servers.serve import Server, install_signal_handlers, serving, wait_for_interrupt
from api.settings import settings
from governance.releases import ReleaseStore

errors = Console(stderr=True, highlight=False)


def serve(as_json: Json = False) -> None:
    """Serve the current release: API, dashboards and MLflow UI, until Ctrl-C."""
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
    with ExitStack() as stack:
        with console.status("Starting servers …") as status:

            def report(what: str) -> None:
                if console.is_terminal:
                    status.update(what)
                else:
                    errors.print(what)

            chosen = stack.enter_context(serving(settings(), report))
        yield chosen
