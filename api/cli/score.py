"""`steelyard score run`: forecast the coming weeks with the champion and propose what follows from it."""

from __future__ import annotations

import typer

from api.cli.output import Json, console, print_json
from api.cli.services import settings

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def _noun() -> None:
    """Keeps `run` a verb of its own."""


@app.command()
def run(as_json: Json = False) -> None:
    """Score with the champion and put new recommendations into the ops store."""
    from api.pipeline.recommend import recommend_step

    with console.status("scoring …"):
        result = recommend_step(settings(), lambda *what: None)
    if as_json:
        print_json(result.as_dict())
    else:
        others = "".join(
            f"{one.rows:,} of {name.replace('_', ' ')} by {one.model}; "
            for name, one in result.scores.items()
        )
        console.print(
            f"{result.forecast_rows:,} forecasts by {result.model}; "
            f"{others}"
            f"{result.proposed:,} new recommendations of {result.considered:,} considered."
        )
