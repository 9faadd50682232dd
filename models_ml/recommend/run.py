"""One run: everything that should be done, from one release's stock and forecasts, and what was decided
before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pandas as pd

from governance.json_types import JsonObject
from models_ml.recommend.dedup import Deduplicated, deduplicate
from models_ml.recommend.inputs.positions import last_day
from models_ml.recommend.inputs.situation import read_situation
from models_ml.recommend.kinds import KINDS
from models_ml.recommend.parameters import ReorderParameters
from models_ml.recommend.proposal import Run, frame, records
from models_ml.recommend.requests import group_requests


@dataclass(frozen=True)
class Recommended:
    """Proposals of one run (columns as `proposal.COLUMNS`) and what was held back. `considered` counts
    proposals before holding back, by action."""

    rows: pd.DataFrame
    considered: Mapping[str, int]
    deduplicated: Deduplicated
    run: Run
    extra: JsonObject = field(default_factory=dict)


def recommend(
    warehouse: Path, forecasts: Path, release_id: str, *, parameters: ReorderParameters | None = None,
    earlier: Iterable[JsonObject] = (), now: datetime | None = None, proposed_by: str | None = None,
) -> Recommended:  # fmt: skip
    """What every kind plans and proposes, without what is open or was answered already.

    `earlier` are past recommendations, field by field. The same release, forecasts and earlier ones give the
    same rows and ids. No clock is read: `now` sets expiries only. Without a stock row nothing is proposed and
    nothing withdrawn.
    """
    parameters, past = parameters or ReorderParameters(), list(earlier)
    situation = read_situation(warehouse, forecasts, release_id, parameters, past, now=now)
    if situation is None:
        run = Run(release_id, last_day(warehouse), 0, now, parameters)
        return Recommended(frame([]), {}, Deduplicated(frame([]), 0, 0, 0, ()), run)
    for kind in KINDS:
        situation = kind.plan(situation)
    proposed = [kind.propose(situation) for kind in KINDS]
    run = situation.run
    everything = frame([row for part in proposed for row in records(part)])
    deduplicated = deduplicate(everything, past, run.as_of, parameters, now=now, proposed_by=proposed_by)
    return Recommended(
        group_requests(deduplicated.rows, run), dict(Counter(everything["action"])), deduplicated, run
    )
