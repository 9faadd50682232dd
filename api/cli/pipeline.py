"""`steelyard pipeline run|status`: the main job, with progress, a closing table, the numbers and what to do
next; and what its last run left waiting."""

from __future__ import annotations

import time
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from api.cli.model import print_evaluation
from api.cli.output import Json, console, print_json, print_table
from api.cli.services import settings

if TYPE_CHECKING:
    from api.cli.summary import KpiRow, RankedProposal
    from api.pipeline import StepReport
    from api.pipeline.runner import AnyStep
    from api.services.capabilities import Capabilities

app = typer.Typer(add_completion=False)


@app.command()
def run(
    as_json: Json = False,
    and_serve: Annotated[bool, typer.Option("--serve", help="Serve API and MLflow afterwards.")] = False,
) -> None:
    """Ingest, build, publish, train, score and recommend; reuses what has not changed.

    A step that fails stops only those that need it; then the exit code is 1.
    """
    from api.cli.serve import serve
    from api.pipeline import require_success
    from api.pipeline.capabilities import find_capabilities
    from governance.releases import ReleaseStore

    started = time.monotonic()
    reports = _walk(quiet=as_json)
    seconds = time.monotonic() - started
    serves_one = ReleaseStore(settings().var_dir).current_id() is not None
    kpis, proposals = _closing_numbers() if serves_one else ([], [])
    capabilities = find_capabilities(settings(), reports) if serves_one else None
    if as_json:
        print_json(
            {
                "seconds": seconds,
                "steps": [report.as_dict() for report in reports],
                "kpis": [asdict(kpi) for kpi in kpis],
                "recommendations": [proposal.as_dict() for proposal in proposals],
                "capabilities": capabilities.as_dict() if capabilities else None,
            }
        )
    else:
        _print_steps(reports, seconds)
        console.print(f"[dim]{escape(_retailer())}[/]")
        _print_evaluations(reports)
        if serves_one:
            _print_kpis(kpis)
            _print_proposals(proposals)
        if capabilities:
            _print_capabilities(capabilities)
    require_success(reports)
    if and_serve:
        serve(as_json)


@app.command()
def status(as_json: Json = False) -> None:
    """What runs with the data that came, what runs on a fallback, and what waits for which table."""
    from api.errors import StepWaitsError
    from api.services.capabilities import read_capabilities

    capabilities = read_capabilities(settings())
    if capabilities is None:
        raise StepWaitsError("No pipeline has run to a release yet.", hint="Run `steelyard pipeline run`.")
    if as_json:
        print_json(capabilities.as_dict())
    else:
        _print_capabilities(capabilities)


def _closing_numbers() -> tuple[list[KpiRow], list[RankedProposal]]:
    """The headline KPIs and the most pressing proposals of the release that serves."""
    from api.cli.summary import kpi_rows, top_recommendations
    from api.wiring import Services

    services = Services.from_settings(settings())
    try:
        return kpi_rows(services), top_recommendations(services, 10)
    finally:
        services.close()


def _retailer() -> str:
    """Which of the retailer's settings are set, and by which file."""
    from api.pipeline.build import retailer_settings

    return retailer_settings(settings()).described()


def _print_evaluations(reports: list[StepReport]) -> None:
    from api.pipeline.results import TrainResult

    for report in reports:
        if isinstance(report.result, TrainResult):
            for model in report.result.models:
                print_evaluation(model.name, model.evaluation)


def _walk(*, quiet: bool) -> list[StepReport]:
    from api.pipeline import STEPS, run_pipeline

    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("[bold]{task.description:<10}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[what]}"),
    )
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as progress:
        tasks = {
            s.name: progress.add_task(s.title, total=None, start=False, what="", visible=False) for s in STEPS
        }

        def listen(step: AnyStep, what: str, done: int, total: int) -> None:
            task = tasks[step.name]
            if not progress.tasks[task].started:
                progress.start_task(task)
            progress.update(task, visible=True, what=what, completed=done, total=total or None)

        reports = []
        for report in run_pipeline(settings(), listen):
            progress.update(tasks[report.step], visible=True, completed=1, total=1, what=report.summary)
            progress.stop_task(tasks[report.step])
            reports.append(report)
            if not quiet and not console.is_terminal:
                console.print(f"{report.title}: {report.summary} ({report.seconds:.1f} s)")
        return reports


def _print_steps(reports: list[StepReport], seconds: float) -> None:
    rows = [
        (
            r.title,
            f"{r.seconds:.1f} s" if r.state == "done" else r.state,
            f"{r.peak_mb:,} MB" if r.peak_mb else "",
            r.summary,
        )
        for r in reports
    ]
    peak = max((r.peak_mb for r in reports), default=0)
    print_table("Pipeline", ["step", "time", "peak memory", "result"], rows)
    console.print(f"{seconds:.1f} s in all, at most {peak:,} MB in one step.\n")


def _print_kpis(kpis: list[KpiRow]) -> None:
    rows = [(k.label, *_in_unit(k.value, k.unit), k.basis) for k in kpis]
    print_table("The retailer in numbers", ["KPI", "value", "unit", "basis"], rows, right=("value",))
    console.print("[dim]Basis: recorded sales, or the derived (simulated) ledger around them.[/]\n")


def _print_capabilities(capabilities: Capabilities) -> None:
    labels = {"runs": "runs", "fallback": "runs on the fallback", "waits": "waits"}
    rows = [(one.title, labels[one.state], one.reason) for one in capabilities.capabilities]
    print_table("What runs", ["capability", "state", "why"], rows)
    if capabilities.unlocks:
        console.print("[italic]What one more table or column would bring[/]")
        for unlock in capabilities.unlocks:
            console.print(f"  {escape(unlock.sentence)}")


def _in_unit(value: float | Decimal | None, unit: str) -> tuple[object, str]:
    """Rates are shares between 0 and 1 everywhere; people read them as per cent."""
    if unit == "percent" and value is not None:
        return f"{100 * value:,.2f}", "%"
    return f"{value:,.2f}" if isinstance(value, float) else value, "$" if unit == "currency" else unit


def _money(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+,.2f} $"


def _print_proposals(proposals: list[RankedProposal]) -> None:
    if not proposals:
        console.print("No recommendation is open; what waits below is not looked at.\n")
        return
    console.print("[italic]The ten most pressing recommendations, by money and urgency[/]")
    for at, proposal in enumerate(proposals, 1):
        record = proposal.record
        what = f"[bold]{escape(proposal.headline)}[/], {escape(proposal.place)}"
        money = f"margin {_money(record.expected_margin)}, cash {_money(record.expected_cash)}"
        if record.at_stake is not None:
            money = f"{_money(record.at_stake)} in question"
        route = str(record.policy_route).replace("_", " ")
        console.print(f"{at:>2}. {what}: {money}; act by {record.order_by}; decided by: {route}")
        console.print(Padding(f"[dim]{escape(str(record.reason))}[/]", (0, 0, 0, 4)))
    if any(proposal.record.is_simulated for proposal in proposals):
        console.print("[dim]Stock, costs and lead times of the demo are simulated.[/]")
    console.print("[dim]Nothing moves undecided.[/]")
