"""What is not decided in time goes one step up."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import update

from governance.approvals.actions import ROUTES
from governance.approvals.lifecycle import OPEN
from governance.approvals.limits import Limits, default_limits
from governance.approvals.repository import AS_RECORD, records
from governance.store import audit
from governance.store.engine import OpsStore
from governance.store.schema import recommendations

_TOP = "finance_controller"


def escalate_due(
    store: OpsStore, *, now: dt.datetime, limits: Limits | None = None, request_id: str | None = None
) -> list[str]:
    """Move every overdue open recommendation one route up, at most to finance; returns their ids."""
    table, levels = recommendations, limits or default_limits()
    overdue = AS_RECORD.where(
        table.c.state.in_(OPEN),
        table.c.escalate_at <= now,
        table.c.policy_route.in_(ROUTES[: ROUTES.index(_TOP)]),
    )
    with store.write() as transaction:
        late = records(transaction.conn.execute(overdue).all())
        for record in late:
            level = levels.at(record.banner, record.region)
            higher = ROUTES[ROUTES.index(record.policy_route or "planner") + 1]
            again = now.astimezone(dt.UTC) + dt.timedelta(hours=level.escalate_after_hours)
            transaction.conn.execute(
                update(table)
                .where(table.c.recommendation_id == record.recommendation_id)
                .values(policy_route=higher, escalate_at=again, updated_at=now)
            )
            transaction.touch(table, record.recommendation_id)
            entry = audit.AuditEntry(
                actor="service:escalation",
                action="recommendation.escalate",
                object_id=f"recommendation.{record.recommendation_id}",
                reason="not decided in time",
                request_id=request_id,
                before={"policy_route": record.policy_route},
                after={"policy_route": higher},
            )
            audit.append(transaction, entry, now=now)
    return [record.recommendation_id for record in late]
