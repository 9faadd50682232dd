"""`steelyard release build|publish|list|rollback|diff`."""

from __future__ import annotations

import typer

from api.cli.output import Json, console, print_json, print_table
from api.cli.release_diff import by_month, print_diff
from api.cli.services import services
from api.pipeline.steps import build_step
from api.settings import settings
from governance.releases import ReleaseStore
from governance.releases.diff import diff_releases

app = typer.Typer(help="Build, publish and roll back releases.", no_args_is_help=True)


def _store() -> ReleaseStore:
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
def build(as_json: Json = False) -> None:
    """Build and test a new release from the landing; it does not serve until it is published."""
    with console.status("dbt build …"):
        result = build_step(settings(), lambda *what: None)
    _say(as_json, result["release_id"], "built" if not result.get("unchanged") else "already built")


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
    store = _store()
    first, second = store.get(before), store.get(after)
    with console.status("comparing …"):
        found = diff_releases(first, second, by_month(services().metrics))
    if as_json:
        print_json(found.as_dict())
    else:
        print_diff(found)


def _say(as_json: bool, release_id: str, what: str) -> None:
    if as_json:
        print_json({"release_id": release_id, "state": what})
    else:
        console.print(f"Release [bold]{release_id}[/] {what}.")
