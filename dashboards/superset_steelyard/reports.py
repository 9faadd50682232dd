"""Reports and alerts as code: what is mailed, when, and with whose rights."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TypedDict

import yaml

from .definitions_context import TIME
from .identity import asset_uuid
from .periods import Recorded

Schedule = TypedDict(
    "Schedule",
    {
        "kind": str, "name": str, "dashboard": str, "at": str, "as": str, "subject": str, "to": str,
        "metric": str, "days": int, "below": float,
    },
    total=False,
)  # fmt: skip
"""A report or an alert of `reports.yaml`. Only alerts have `metric`, `days` and `below`."""

_FILE = Path(__file__).parent / "reports.yaml"


def load_reports(path: Path = _FILE) -> list[Schedule]:
    """Every report and alert, with its kind."""
    content: dict[str, list[Schedule] | None] = yaml.safe_load(path.read_text())
    schedules = []
    for kind, group in (("Report", "reports"), ("Alert", "alerts")):
        for entry in content.get(group) or ():
            entry["kind"] = kind
            schedules.append(entry)
    return schedules


def alert_sql(entry: Schedule, recorded: Recorded) -> str:
    """One number over the last days that have data, as semantic SQL."""
    start = recorded.last - dt.timedelta(days=int(entry["days"]) - 1)
    return (
        f"SELECT MEASURE({entry['metric']}) AS value FROM metrics"
        f" WHERE {TIME} >= CAST('{start.isoformat()}' AS DATE)"
        f" AND {TIME} <= CAST('{recorded.last.isoformat()}' AS DATE)"
    )


def schedule(entries: list[Schedule], recorded: Recorded, send_to: str, database: object) -> list[str]:
    """Make Superset's schedules what the entries say; people's own stay. What is wrong, in words."""
    from superset import db, security_manager
    from superset.models.dashboard import Dashboard
    from superset.reports.models import ReportRecipients, ReportSchedule

    problems = []
    for entry in entries:
        owner = security_manager.find_user(username=entry["as"])
        dashboard = (
            db.session.query(Dashboard)
            .filter_by(uuid=asset_uuid("dashboard", entry["dashboard"]))
            .one_or_none()
        )
        if owner is None or dashboard is None:
            problems.append(f"{entry['name']}: no user {entry['as']} or no dashboard {entry['dashboard']}.")
            continue
        schedules = db.session.query(ReportSchedule).filter_by(name=entry["name"], type=entry["kind"])
        row = schedules.one_or_none() or ReportSchedule(name=entry["name"], type=entry["kind"])
        row.crontab, row.timezone, row.active = entry["at"], "UTC", True
        row.description, row.email_subject = entry["subject"], entry["subject"]
        row.dashboard, row.owners, row.report_format = dashboard, [owner], "PDF"
        target = json.dumps({"target": entry.get("to", send_to)})
        row.recipients = [ReportRecipients(type="Email", recipient_config_json=target)]
        if entry["kind"] == "Alert":
            row.database, row.sql = database, alert_sql(entry, recorded)
            row.validator_type = "operator"
            row.validator_config_json = json.dumps({"op": "<", "threshold": entry["below"]})
        db.session.add(row)
    db.session.commit()
    return problems
