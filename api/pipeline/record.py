"""The closing of the loop: what came of decisions is measured; what was recorded goes into the landing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from api.pipeline.build import data_fingerprint
from api.pipeline.checkpoint import code_fingerprint
from api.pipeline.results import MeasureResult, RecordResult
from api.services.ops_store import open_ops_store
from api.settings import Settings
from governance.disk import atomic_write
from governance.progress import Progress
from governance.releases import ReleaseStore
from governance.store import OpsStore
from governance.store.migrate import upgrade

if TYPE_CHECKING:
    from integrations.platform import PlatformState

_ROOT = Path(__file__).resolve().parents[2]


def measure_step(settings: Settings, report: Progress) -> MeasureResult:
    """Replay recorded demand under every settled decision whose window has passed.

    In the demo, whose people have decided nothing yet, simulated planners first decide on its past weeks.
    """
    from integrations.platform.settled import settled_decisions
    from models_ml.outcomes import measure

    release = ReleaseStore(settings.var_dir).current()
    replayed = _ensure_history(settings, report)
    with _recorded(settings) as recorded:
        report("measuring decisions")
        settled = settled_decisions(recorded.store, recorded.history)
        measured = measure(release.warehouse, settled, recorded.outcomes)
    return MeasureResult(replayed=replayed, settled=len(settled), measured=measured)


def measure_mark(settings: Settings) -> str:
    """Changes with the retailer's data, the code that measures, and the decisions."""
    from integrations.platform.decisions import stores_fingerprint

    with _recorded(settings, history=False) as recorded:
        return f"{_history_mark(settings)}:{stores_fingerprint(recorded)}"


def outcomes_are_there(settings: Settings, result: MeasureResult) -> bool:
    """The files of the last measuring still exist."""
    history = not result.replayed or _history(settings).is_dir()
    return history and (not result.measured or _outcomes(settings).exists())


def record_step(settings: Settings, report: Progress) -> RecordResult:
    """Recommendations, decisions and what came of them into the landing; what did not change stays."""
    from integrations.platform import TABLES, record

    with _recorded(settings) as recorded:
        exported = record(
            recorded,
            settings.landing,
            settings.quarantine,
            tables=TABLES,
            progress=report,
        )
    return RecordResult.model_validate({**exported.as_dict(), "unchanged": not exported.changed})


def recorded_mark(settings: Settings) -> str:
    """Changes when there is something new to record."""
    from integrations.platform import platform_fingerprint

    with _recorded(settings) as recorded:
        return platform_fingerprint(recorded)


def tables_are_there(settings: Settings, result: RecordResult) -> bool:
    """What was exported is still in the landing: a landing that was emptied is filled again."""
    from integrations.platform import is_landed

    return all(is_landed(settings.landing, table, batch) for table, batch in result.batches.items())


def _ensure_history(settings: Settings, report: Progress) -> int:
    """Proposals in the demo's replayed past, made anew if data or code changed; 0 outside the demo."""
    from integrations.demo.decisions import make_history
    from integrations.sources.named import DEMO

    if settings.mode != "demo" or settings.source != DEMO:
        return 0
    folder, fingerprint = _history(settings), _history_mark(settings)
    receipt = folder / "made.json"
    if receipt.exists() and (before := json.loads(receipt.read_text()))["mark"] == fingerprint:
        return int(before["proposals"])
    release = ReleaseStore(settings.var_dir).current()
    proposals = make_history(
        release.warehouse,
        folder,
        release_id=release.release_id,
        backtest=_backtest(settings),
        progress=report,
    )
    atomic_write(receipt, json.dumps({"mark": fingerprint, "proposals": proposals}))
    return proposals


def _history_mark(settings: Settings) -> str:
    """The retailer's data, what our own tables hold left out, and the code that replays."""
    from integrations.contracts import platform_contracts

    ours = platform_contracts().keys()
    data = data_fingerprint(settings, without=ours)
    code = code_fingerprint(_ROOT / "integrations" / "demo" / "decisions", _ROOT / "models_ml" / "outcomes")
    past = _backtest(settings)
    backtest = f"{past.name}:{past.stat().st_size}:{past.stat().st_mtime_ns}" if past else "no backtest"
    return f"{data}:{code}:{backtest}"


def _backtest(settings: Settings) -> Path | None:
    """What the newest version of the demand model would have forecast in the past; None before training."""
    from models_ml.demand.artifacts import newest_backtest

    return newest_backtest(settings.mlflow_artifacts, "demand")


def _history(settings: Settings) -> Path:
    return settings.var_dir / "history"


def _outcomes(settings: Settings) -> Path:
    return settings.var_dir / "outcomes" / "decision_outcomes.parquet"


@contextmanager
def _recorded(settings: Settings, *, history: bool = True) -> Iterator[PlatformState]:
    from integrations.demo.decisions import history_database
    from integrations.platform import PlatformState

    past = history_database(_history(settings))
    stores = [open_ops_store(settings)]
    if history and past.exists() and settings.mode == "demo":
        stores.append(OpsStore(f"sqlite:///{past.resolve()}"))
    try:
        for store in stores:
            upgrade(store)
        yield PlatformState(
            store=stores[0],
            history=stores[1] if len(stores) > 1 else None,
            forecasts=settings.var_dir / "forecasts",
            outcomes=_outcomes(settings),
            tracking_uri=settings.mlflow_uri,
            artifact_root=settings.mlflow_artifacts,
        )
    finally:
        for store in stores:
            store.close()
