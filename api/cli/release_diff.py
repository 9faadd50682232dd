"""A release diff as tables for people, and the numbers it compares."""

from __future__ import annotations

import datetime as dt

from api.cli.output import cell, console, print_table
from api.services.metric_service import MetricService
from governance.releases.diff import Answer, FieldChange, KpiMovement, MonthMove, NodeChange, ReleaseDiff
from semantic import MetricQuery

MONTH = "metric_time__month"
LONGEST = 120  # of a value in a table; --json has it whole


def by_month(metrics: MetricService) -> Answer:
    """Ask the operator's view of a release for one KPI by month; rows without a month are left out."""

    def answer(release_id: str, kpi: str) -> dict[str, float | None]:
        rows = metrics.answer(MetricQuery(metrics=[kpi], group_by=[MONTH]), None, release_id).as_dict()[
            "rows"
        ]
        return {_day(month): None if value is None else float(value) for month, value in rows if month}

    return answer


def _day(month: dt.date | str) -> str:
    return str(month)[:10]


def print_diff(diff: ReleaseDiff) -> None:
    """Sections without an entry are left out; the closing line says what was compared."""
    console.print(f"From [bold]{diff.before}[/] to [bold]{diff.after}[/]")
    _definitions("KPI definitions", diff.kpis)
    _definitions("Dimensions", diff.dimensions)
    _models(diff)
    if diff.reaches:
        rows = [(r.kind, r.name, ", ".join(r.because)) for r in diff.reaches]
        print_table("Reached downstream", ["kind", "name", "because of"], rows)
    if diff.policies:
        tags = [(t.kind, t.name, t.changed, _tags(t.before), _tags(t.after)) for t in diff.policies]
        print_table("Policy tags", ["kind", "name", "changed", "before", "after"], tags)
    _numbers(diff)


def _definitions(title: str, changes: tuple[NodeChange, ...]) -> None:
    rows = [
        (c.name, c.what, f.field, _text(f.before), _text(f.after))
        for c in changes
        for f in c.fields or (FieldChange("", None, None),)
    ]
    if rows:
        print_table(title, ["name", "what", "field", "before", "after"], rows)


def _models(diff: ReleaseDiff) -> None:
    rows = []
    for model in diff.models:
        columns = [f"{c.name} {c.what}{_fields(c)}" for c in model.columns]
        what = "SQL changed" if model.what == "changed" and model.sql_changed else model.what
        rows.append((model.name, model.layer, what, "; ".join(columns)))
    if rows:
        print_table("Models", ["model", "layer", "what", "columns"], rows)


def _fields(column: NodeChange) -> str:
    if not column.fields:
        return ""
    return " (" + ", ".join(f"{f.field}: {_text(f.before)} → {_text(f.after)}" for f in column.fields) + ")"


def _numbers(diff: ReleaseDiff) -> None:
    rows = [
        (kpi.name, m.month[:7], m.before, m.after, m.change, _share(m))
        for kpi in diff.moved
        for m in kpi.months
    ]
    if rows:
        print_table("Numbers that moved", ["KPI", "month", "before", "after", "change", "share"], rows)
    not_compared = [k for k in diff.moved if k.problem]
    if not_compared:
        print_table("Not compared", ["KPI", "why"], [(k.name, k.problem) for k in not_compared])
    console.print(_closing(diff.compared, [k for k in diff.moved if k.months], not_compared))


def _closing(compared: int, moved: list[KpiMovement], not_compared: list[KpiMovement]) -> str:
    stayed = compared - len(moved) - len(not_compared)
    return f"{compared} KPIs in both releases: {len(moved)} moved, {stayed} stayed in every month."


def _tags(tags: dict[str, object] | None) -> str:
    if tags is None:
        return "not there"
    return ", ".join(name if value is True else f"{name}: {value}" for name, value in tags.items()) or "none"


def _share(move: MonthMove) -> str:
    return "" if move.share is None else f"{move.share:+.2%}"


def _text(value: object) -> str:
    text = "" if value in (None, {}) else cell(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
