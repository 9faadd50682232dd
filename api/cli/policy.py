"""`steelyard policy test|explain`: does the policy decide as written down, and which rule decided."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from api.cli.output import Json, console, print_json, print_table

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command()
def test(as_json: Json = False) -> None:
    """Run every written policy case; exit status 1 if one decides otherwise."""
    from governance.policy import policy_test

    results = policy_test()
    failed = [result for result in results if not result.passed]
    if as_json:
        print_json([asdict(result) | {"passed": result.passed} for result in results])
    else:
        rows = [(r.name, r.user, r.action, "allowed" if r.verdict.allowed else "denied") for r in failed]
        if failed:
            print_table("Decided otherwise than written", ["case", "user", "action", "decided"], rows)
        console.print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    if failed:
        raise typer.Exit(1)


@app.command()
def explain(
    action: str,
    as_user: Annotated[str, typer.Option("--as", help="The user whose rights are asked about.")],
    as_json: Json = False,
) -> None:
    """Say which rule lets a user do ACTION (read_audit, see_margin, …) or not, and which rows remain."""
    from governance.errors import NotFoundError
    from governance.policy import default_policy
    from governance.policy import explain as explain_policy

    explanation = explain_policy(as_user, action)
    steps = default_policy().steps
    if explanation.errors and action not in steps:
        raise NotFoundError(
            f"No action {action!r} that is decided once for a person.", hint=f"actions: {', '.join(steps)}"
        )
    if as_json:
        print_json(asdict(explanation))
        return
    console.print(explanation.sentence, markup=False)
    print_table("Rows that remain", ["of", "where"], list(explanation.rows.items()))
