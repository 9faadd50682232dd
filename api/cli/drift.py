"""`steelyard drift run`: what changed in the newest week, named, and whether to train again."""

from __future__ import annotations

import typer

from api.cli.output import Json, console, print_json, print_table
from api.cli.services import settings

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def _noun() -> None:
    """Keeps `run` a verb of its own."""


@app.command()
def run(as_json: Json = False) -> None:
    """Watch the published release: rows for the drift mart, Evidently's report, open alerts, advice."""
    from api.pipeline.monitor import monitor_step

    with console.status("watching …") as status:
        result = monitor_step(settings(), lambda what, done=0, total=0: status.update(what))
    if as_json:
        print_json(result.as_dict())
        return
    alerts = [
        (a.kind, a.feature, f"{a.segment_type} {a.segment}", a.score, a.threshold, a.finding)
        for a in result.alerts
    ]
    print_table(
        f"Open alerts, week {result.week}",
        ["kind", "feature", "segment", "score", "threshold", "finding"],
        alerts,
    )
    console.print(f"drift share [bold]{result.drift_share:.0%}[/] of the watched features")
    console.print(result.retrain.sentence)
    console.print(f"report: {result.report}", soft_wrap=True)
