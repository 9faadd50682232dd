"""The closing of the loop: what the platform recorded goes into the landing, for the build that follows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from api.pipeline.child import Report
from api.settings import Settings
from governance.store import OpsStore

if TYPE_CHECKING:
    from integrations.platform import Recorded


def record_step(settings: Settings, report: Report) -> dict[str, Any]:
    """Recommendations, decisions and what came of them into the landing; what did not change stays."""
    from integrations.platform import TABLES, record

    with _recorded(settings) as recorded:
        done = record(
            recorded,
            settings.landing,
            settings.quarantine,
            tables=TABLES,
            progress=lambda what: report(what, 0, 0),
        )
    return done.as_dict() | {"unchanged": not done.changed}


def record_summary(result: dict[str, Any]) -> str:
    """Rows of every table."""
    counts = ", ".join(f"{rows:,} {name.replace('_', ' ')}" for name, rows in result["rows"].items())
    return f"{counts or 'nothing recorded yet'}{'' if result['changed'] else ' (as before)'}"


def recorded_mark(settings: Settings) -> str:
    """Changes when there is something new to record."""
    from integrations.platform import mark

    with _recorded(settings) as recorded:
        return mark(recorded)


def tables_are_there(settings: Settings, result: dict[str, Any]) -> bool:
    """What was exported still lies in the landing: a landing that was emptied is filled again."""
    from integrations.platform import is_landed

    return all(is_landed(settings.landing, table, batch) for table, batch in result["batches"].items())


@contextmanager
def _recorded(settings: Settings) -> Iterator[Recorded]:
    from integrations.platform import Recorded

    store = OpsStore(settings.ops_store_url)
    store.migrate()
    try:
        yield Recorded(
            store=store,
            history=None,
            forecasts=settings.var_dir / "forecasts",
            outcomes=settings.var_dir / "outcomes" / "decision_outcomes.parquet",
            tracking_uri=settings.mlflow_uri,
            artifact_root=settings.mlflow_artifacts,
        )
    finally:
        store.close()
