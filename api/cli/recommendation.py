"""`steelyard recommendation list|show|approve|override|reject`."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from api.cli.output import Json, cell, console, print_json, print_table
from api.cli.services import AsUser, person_named, principal_named, services
from api.impact_service import impact_of
from api.recommendation_fields import visible_fields
from governance.approvals import decide
from governance.restrict import recommendation_scope
from governance.store import OPEN_STATES, find_recommendation, list_recommendations

app = typer.Typer(help="See what is proposed, and decide.", no_args_is_help=True)
Reason = Annotated[str | None, typer.Option("--reason", help="Reason code.")]
Note = Annotated[str | None, typer.Option("--note", help="What the next reader should know.")]
_SHOWN = (
    "recommendation_id",
    "action",
    "product_name",
    "location_id",
    "region",
    "quantity_units",
    "order_by",
    "expected_margin_usd",
    "expected_cash_usd",
    "state",
)


@app.command("list")
def list_(
    state: Annotated[
        list[str] | None, typer.Option("--state", help="States; the open ones by default.")
    ] = None,
    action: Annotated[str | None, typer.Option(help="reorder, transfer, markdown, …")] = None,
    region: str | None = None,
    department: str | None = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    cursor: str | None = None,
    as_user: AsUser = None,
    as_json: Json = False,
) -> None:
    """Recommendations, the most margin at stake first."""
    page = list_recommendations(
        services().store,
        scope=_scope(as_user),
        cursor=cursor,
        limit=limit,
        state=state or OPEN_STATES,
        action=action,
        region=region,
        department=department,
    )
    reader = principal_named(as_user)
    rows = [visible_fields(row, reader) for row in page.items]
    if as_json:
        print_json({"items": rows, "next_cursor": page.next_cursor})
        return
    print_table("Recommendations", _SHOWN, [[row[name] for name in _SHOWN] for row in rows])
    if page.next_cursor:
        console.print(f"More: --cursor {page.next_cursor}")


@app.command()
def show(recommendation_id: str, as_user: AsUser = None, as_json: Json = False) -> None:
    """One recommendation with its drivers and how it is decided."""
    found = find_recommendation(services().store, recommendation_id, scope=_scope(as_user))
    row = visible_fields(found, principal_named(as_user))
    if as_json:
        print_json(row)
    else:
        print_table("Recommendation", ["", ""], [(name, cell(value)) for name, value in row.items()])


@app.command()
def impact(
    state: Annotated[
        list[str] | None, typer.Option("--state", help="States; the open ones by default.")
    ] = None,
    action: Annotated[str | None, typer.Option(help="reorder, transfer, markdown, …")] = None,
    region: str | None = None,
    department: str | None = None,
    as_user: AsUser = None,
    as_json: Json = False,
) -> None:
    """What the proposals would do to working capital, week by week."""
    found = impact_of(
        services().store,
        principal_named(as_user),
        state=state,
        action=action,
        region=region,
        department=department,
    )
    if as_json:
        print_json(found)
        return
    columns = ("week_ending", "inventory_usd", "payables_usd", "working_capital_usd", "cash_usd")
    simulated = ", simulated stock" if found["is_simulated"] else ""
    title = f"{found['proposals']:,} proposals against doing nothing{simulated}"
    print_table(title, columns, [[week[name] for name in columns] for week in found["weeks"]])
    named = ("proposals", "expected_units", "expected_margin_usd", "expected_cash_usd")
    rows = [[action, *(sums[name] for name in named)] for action, sums in found["one_off"].items()]
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


def _scope(user: str | None) -> Any:
    principal = principal_named(user)
    return None if principal is None else recommendation_scope(principal)


def _decide(recommendation_id: str, decision: str, user: str | None, as_json: bool, **what: Any) -> None:
    decided = decide(
        services().store,
        person_named(user),
        recommendation_id,
        decision,
        request_id=f"cli-{uuid.uuid4()}",
        now=datetime.now(UTC),
        **what,
    )
    services().lineage_events.decided(services().store)
    if as_json:
        print_json(asdict(decided))
    else:
        console.print(f"{decided.recommendation_id}: [bold]{decided.state}[/].")
