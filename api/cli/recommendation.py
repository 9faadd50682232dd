"""`steelyard recommendation list|show|approve|override|reject`."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer

from api.cli.output import Json, cell, console, print_json, print_table
from api.cli.services import AsUser, person_named, principal_named, services, settings

app = typer.Typer(no_args_is_help=True, add_completion=False)
Reason = Annotated[str | None, typer.Option("--reason", help="Reason code.")]
Note = Annotated[str | None, typer.Option("--note", help="What the next reader should know.")]
States = Annotated[list[str] | None, typer.Option("--state", help="States; the open ones by default.")]
Action = Annotated[str | None, typer.Option(help="reorder, transfer, markdown, …")]
Given = TypeVar("Given", str | None, list[str] | None)
_COLUMNS = {
    "recommendation_id": "id",
    "action": "action",
    "product_name": "product",
    "location_id": "location",
    "quantity_units": "units",
    "expected_margin": "margin $",
    "expected_cash": "cash $",
}
_NARROW = ("recommendation_id", "action", "location_id", "expected_margin")
_WIDE = 110  # columns of a terminal that holds them all


_REPORTED = {
    "decisions_measured": "measured",
    "override_rate": "overridden",
    "rejection_rate": "rejected",
    "decision_cycle_time_hours": "hours",
    "judgement_margin_realised": "judgement $",
    "margin_impact_realised": "margin $",
    "service_impact_realised": "service",
    "working_capital_impact_realised": "stock $",
    "outcome_turns_decided": "turns",
    "outcome_turns_baseline": "baseline turns",
}


@app.command("list")
def list_(
    state: States = None,
    action: Action = None,
    region: str | None = None,
    department: str | None = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    cursor: str | None = None,
    as_user: AsUser = None,
    as_json: Json = False,
) -> None:
    """Recommendations, the most money first."""
    from api.services.capabilities import kinds_that_wait
    from api.services.former_names import RECORD, with_former_names
    from governance.approvals import ACTIONS, OPEN, STATES, list_recommendations

    page = list_recommendations(
        services().store,
        reader=principal_named(as_user),
        cursor=cursor,
        limit=limit,
        state=_one_of("--state", state, STATES) or OPEN,
        action=_one_of("--action", action, ACTIONS),
        region=region,
        department=department,
    )
    rows = [with_former_names(row.as_dict(), RECORD) for row in page.items]
    if as_json:
        print_json({"items": rows, "next_cursor": page.next_cursor})
        return
    if not rows:
        written = " Regions and departments are written as in the data: East." if region or department else ""
        console.print(f"No recommendation fits.{written}")
        for one in kinds_that_wait(settings()):
            console.print(f"Nothing can be proposed of {one.name}: {one.reason}.", soft_wrap=True)
        return
    names = _COLUMNS | ({"state": "state"} if state else {"order_by": "order by"})
    if console.width < _WIDE:
        names = {name: names[name] for name in _NARROW}
    table_rows = [[_short(_placed(row, name)) for name in names] for row in rows]
    right = ("units", "margin $", "cash $")
    whole = {*names.values()} - {"product"}
    print_table("Recommendations", list(names.values()), table_rows, right=right, whole=whole)
    if page.next_cursor:
        console.print(f"More: --cursor {page.next_cursor}", soft_wrap=True)


@app.command()
def report(as_user: AsUser = None, as_json: Json = False) -> None:
    """Who was right: outcomes by kind of decision, person and reason, and what is at fault."""
    from api.services.decision_report import decision_report

    summary = decision_report(services().metrics, principal_named(as_user))
    if as_json:
        print_json(summary.as_dict())
        return
    tables = {"By decision": summary.by_kind, "By person": summary.by_person, "By reason": summary.by_reason}
    for title, rows in tables.items():
        names = [name for name in _REPORTED if rows and name in rows[0]]
        table_rows = [[_short(row.get(name)) for name in (next(iter(rows[0])), *names)] for row in rows]
        print_table(title, ["", *(_REPORTED[name] for name in names)], table_rows)
    for finding in summary.findings:
        console.print(f"[bold]{finding.fault}[/] · {finding.subject}, {finding.decisions:,} decisions")
        console.print(f"  {finding.sentence}")
    if not summary.findings:
        console.print("Nothing stands out, or too little was measured.")
    console.print("[dim]Outcomes replay recorded demand against a min-max rule; the demo's are simulated.[/]")


def _placed(row: Mapping[str, object], name: str) -> object:
    """The field of that name; a location with its region."""
    return f"{row[name]} {row['region'] or ''}".rstrip() if name == "location_id" else row[name]


def _as_text(value: object) -> str:
    """Lists by commas, what is nested as JSON; both are whole with `--json`."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value if isinstance(value, str) else cell(value)


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return value if isinstance(value, str) else cell(value)


@app.command()
def show(recommendation_id: str, as_user: AsUser = None, as_json: Json = False) -> None:
    """One recommendation with its drivers and how it is decided."""
    from api.services.former_names import RECORD, with_former_names
    from governance.approvals import find_recommendation

    reader = principal_named(as_user)
    record = find_recommendation(services().store, recommendation_id, reader=reader)
    row = record.as_dict()
    if as_json:
        print_json(with_former_names(row, RECORD))
    else:
        print_table("Recommendation", ["", ""], [(name, _as_text(value)) for name, value in row.items()])


@app.command()
def impact(
    state: States = None,
    action: Action = None,
    region: str | None = None,
    department: str | None = None,
    as_user: AsUser = None,
    as_json: Json = False,
) -> None:
    """What the proposals would do to working capital, week by week."""
    from api.services.impact_service import impact_of
    from governance.approvals import ACTIONS, STATES

    effect = impact_of(
        services().store,
        principal_named(as_user),
        state=_one_of("--state", state, STATES),
        action=_one_of("--action", action, ACTIONS),
        region=region,
        department=department,
    )
    if as_json:
        print_json(effect.model_dump())
        return
    columns = ("week_ending", "inventory", "payables", "working_capital", "cash")
    simulated = ", simulated stock" if effect.is_simulated else ""
    title = f"{effect.proposals:,} proposals against doing nothing{simulated}"
    print_table(title, columns, [[getattr(week, name) for name in columns] for week in effect.weeks])
    named = ("proposals", "expected_units", "expected_margin", "expected_cash")
    rows = [[action, *(sums[name] for name in named)] for action, sums in effect.one_off.items()]
    print_table("By action", ("action", *named), rows)


@app.command()
def approve(recommendation_id: str, as_user: AsUser = None, note: Note = None, as_json: Json = False) -> None:
    """Approve as proposed."""
    _decide(recommendation_id, "approve", as_user, as_json, note=note)


@app.command()
def override(
    recommendation_id: str,
    quantity: Annotated[float, typer.Option("--quantity", min=0, help="Units to order instead.")],
    reason: Reason = None,
    as_user: AsUser = None,
    note: Note = None,
    as_json: Json = False,
) -> None:
    """Approve with another quantity; needs a reason code."""
    _decide(recommendation_id, "override", as_user, as_json, quantity=quantity, reason_code=reason, note=note)


@app.command()
def reject(
    recommendation_id: str,
    reason: Reason = None,
    as_user: AsUser = None,
    note: Note = None,
    as_json: Json = False,
) -> None:
    """Reject; needs a reason code."""
    _decide(recommendation_id, "reject", as_user, as_json, reason_code=reason, note=note)


def _one_of(option: str, given: Given, choices: Collection[str]) -> Given:
    """What was given, if it is one of `choices`. Raises BadParameter with the choices and the near miss."""
    from semantic.suggest import near

    for name in [given] if isinstance(given, str) else given or []:
        if name not in choices:
            listed = f"{name!r} is not one of {', '.join(choices)}."
            raise typer.BadParameter(f"{listed} {near(name, choices, 1)}".strip(), param_hint=option)
    return given


def _decide(
    recommendation_id: str,
    decision: str,
    user: str | None,
    as_json: bool,
    *,
    quantity: float | None = None,
    reason_code: str | None = None,
    note: str | None = None,
) -> None:
    from governance.approvals import decide

    decided = decide(
        services().store,
        person_named(user),
        recommendation_id,
        decision,
        request_id=f"cli-{uuid.uuid4()}",
        now=datetime.now(UTC),
        quantity=quantity,
        reason_code=reason_code,
        note=note,
    )
    services().lineage_events.decided(services().store)
    if as_json:
        print_json(asdict(decided))
    else:
        console.print(f"{decided.recommendation_id}: [bold]{decided.state}[/].")
