"""`steelyard release build|publish|list|rollback|diff|prune`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import Json, console, print_json, print_table
from api.cli.services import services, settings

if TYPE_CHECKING:
    from governance.releases import ReleaseStore

app = typer.Typer(no_args_is_help=True, add_completion=False)


def _store() -> ReleaseStore:
    from governance.releases import ReleaseStore

    return ReleaseStore(settings().var_dir)


@app.command("list")
def list_releases(as_json: Json = False) -> None:
    """Releases that hold against their seal, oldest first."""
    store = _store()
    current = store.current_id()
    rows = [
        {
            "release_id": r.release_id,
            "created_at": r.created_at,
            "is_current": r.release_id == current,
            "fingerprint": r.fingerprint,
        }
        for r in store.list()
    ]
    if as_json:
        print_json(rows)
    else:
        print_table("Releases", ["release", "built", "serving"], [list(r.values())[:3] for r in rows])


@app.command()
def build(
    as_json: Json = False,
    full: Annotated[bool, typer.Option("--full", help="Take nothing over from older releases.")] = False,
) -> None:
    """Build and test a new release from the landing; it does not serve until it is published.

    Models whose code and inputs are those of an older release are reused from it with their test results.
    """
    from api.pipeline.build import build_step, full_build_step

    with console.status("dbt build …") as status:
        step = full_build_step if full else build_step
        result = step(settings(), lambda what, done=0, total=0: status.update(_progress(what, done, total)))
    if as_json:
        state = "already built" if result.unchanged else "built"
        print_json(result.as_dict() | {"state": state})
    else:
        console.print(f"R{result.summary()[1:]}.")
        changes = {"models built": result.models_built, "models dropped": result.models_dropped}
        for what, models in changes.items() if result.based_on else ():
            if models:
                console.print(f"[dim]{what}: {', '.join(models)}[/]")


def _progress(what: str, done: int, total: int) -> str:
    return f"dbt build {done}/{total}: {what}" if total else f"dbt build: {what}"


@app.command()
def publish(release_id: str, as_json: Json = False) -> None:
    """Let RELEASE_ID serve from now on."""
    _say(as_json, _store().publish(release_id).release_id, "published")


@app.command()
def rollback(as_json: Json = False) -> None:
    """Let the release before the current one serve again."""
    _say(as_json, _store().rollback().release_id, "published")


@app.command()
def diff(before: str, after: str, as_json: Json = False) -> None:
    """What changed from release BEFORE to release AFTER: definitions, what they reach, numbers by month."""
    from api.cli.release_diff import by_month, print_diff
    from governance.releases.diff import diff_releases

    store = _store()
    first, second = store.get(before), store.get(after)
    with console.status("comparing …"):
        difference = diff_releases(first, second, by_month(services().metrics))
    if as_json:
        print_json(difference.as_dict())
    else:
        print_diff(difference)


@app.command()
def prune(
    keep: Annotated[int, typer.Option("--keep", min=1, help="Newest releases that stay.")],
    as_json: Json = False,
) -> None:
    """Remove old releases for good, but never the one that serves or the one before it."""
    gone = _store().prune(keep)
    if as_json:
        print_json({"removed": gone})
    else:
        console.print(f"{len(gone)} releases removed.")


def _say(as_json: bool, release_id: str, what: str) -> None:
    if as_json:
        print_json({"release_id": release_id, "state": what})
    else:
        console.print(f"Release [bold]{release_id}[/] {what}.")
