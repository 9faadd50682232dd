"""`steelyard metric list|query|sql`: governed numbers on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import Json, console, print_json, print_table
from api.cli.services import AsUser, principal_named, services

if TYPE_CHECKING:
    from semantic import MetricQuery

app = typer.Typer(no_args_is_help=True, add_completion=False)

Metrics = Annotated[list[str], typer.Option("--metric", "-m", help="A metric; repeat for more.")]
GroupBy = Annotated[list[str] | None, typer.Option("--group-by", "-g", help="A dimension; repeat for more.")]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where", "-w", help="A filter, such as \"{{ Dimension('product__department') }} = 'GROCERY'\"."
    ),
]
OrderBy = Annotated[
    list[str] | None, typer.Option("--order-by", help="An output column; a leading - descends.")
]
Limit = Annotated[int | None, typer.Option("--limit", min=0, help="At most so many rows.")]
Offset = Annotated[int, typer.Option("--offset", min=0, help="Leave out so many rows first.")]
From = Annotated[str | None, typer.Option("--from", help="First day, included.")]
To = Annotated[str | None, typer.Option("--to", help="Last day, included.")]
WholePeriods = Annotated[
    bool, typer.Option("--whole-periods", help="Widen the days to whole periods of the grain asked for.")
]
ReleaseId = Annotated[str | None, typer.Option("--release", help="An older release, for time travel.")]

FIRST_DAY, LAST_DAY = "1900-01-01", "2999-12-31"  # if one end is left open

_NOTHING = (
    "No row fits the filters and dates as they are written. `-g metric_time__month` shows what months there "
    "are, `-g location__region` what regions."
)


@app.command("list")
def list_(as_user: AsUser = None, release: ReleaseId = None, as_json: Json = False) -> None:
    """Every metric that the reader may see, with its formula in words."""
    rows = services().metrics.describe_metrics(principal_named(as_user), release)
    if as_json:
        print_json(rows)
    else:
        table_rows = [(r["name"], r["label"], r["unit"], r["type"], r["description"]) for r in rows]
        print_table("Metrics", ["name", "label", "unit", "type", "formula"], table_rows)


@app.command()
def query(
    metric: Metrics,
    group_by: GroupBy = None,
    where: Where = None,
    order_by: OrderBy = None,
    limit: Limit = None,
    offset: Offset = 0,
    first_day: From = None,
    last_day: To = None,
    whole_periods: WholePeriods = False,
    as_user: AsUser = None,
    release: ReleaseId = None,
    as_json: Json = False,
) -> None:
    """Answer a metric query, in the order of its groups if --order-by names none."""
    metric_query = _query(
        metric, group_by, where, order_by or group_by, limit, offset, first_day, last_day, whole_periods
    )
    from api.services.reach import why_empty

    reader = principal_named(as_user)
    answer = services().metrics.answer(metric_query, reader, release).as_dict()
    if as_json:
        print_json(answer)
    else:
        read = f", read from {', '.join(answer['rollups'])}" if answer["rollups"] else ""
        caption = f"release {answer['release']}, as of {answer['as_of']}{read}"
        names = [c["name"] for c in answer["columns"]]
        print_table("", names, answer["rows"], caption=caption)
        numbers = [at for at, name in enumerate(names) if name in {m.strip().lower() for m in metric}]
        if numbers and all(row[at] is None for row in answer["rows"] for at in numbers):
            console.print(why_empty(services().metrics, reader) or _NOTHING)


@app.command()
def sql(
    metric: Metrics,
    group_by: GroupBy = None,
    where: Where = None,
    order_by: OrderBy = None,
    limit: Limit = None,
    offset: Offset = 0,
    first_day: From = None,
    last_day: To = None,
    whole_periods: WholePeriods = False,
    as_user: AsUser = None,
    release: ReleaseId = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the plan instead.")] = False,
    as_json: Json = False,
) -> None:
    """Print the SQL that would answer, with the reader's restriction inside it."""
    metric_query = _query(
        metric, group_by, where, order_by, limit, offset, first_day, last_day, whole_periods
    )
    reader = principal_named(as_user)
    if explain:
        text = services().metrics.explain(metric_query, reader, release)
    else:
        text = services().metrics.compile(metric_query, reader, release).sql
    if as_json:
        print_json({"plan" if explain else "sql": text})
    else:
        console.print(text, markup=False, soft_wrap=True)


def _query(
    metric: list[str],
    group_by: list[str] | None,
    where: list[str] | None,
    order_by: list[str] | None,
    limit: int | None,
    offset: int,
    first_day: str | None,
    last_day: str | None,
    whole_periods: bool,
) -> MetricQuery:
    from semantic import MetricQuery

    bounded = first_day or last_day
    return MetricQuery(
        metrics=metric,
        group_by=group_by or [],
        where=where or [],
        order_by=order_by or [],
        limit=limit,
        offset=offset,
        time_constraint=(first_day or FIRST_DAY, last_day or LAST_DAY) if bounded else None,
        whole_periods=whole_periods,
    )
