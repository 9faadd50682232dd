"""An open alert of a monitored release, as the monitor leaves it beside the forecasts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from governance.json_types import JsonObject


@dataclass(frozen=True)
class OpenAlert:
    """What drifted (`kind` of `feature`), in which segment, by how much, in a sentence.

    `segment_type` is all, channel, department, category, region or location. `score` and `threshold` are in
    the kind's own measure; None if a release of before kept neither.
    """

    model_name: str
    kind: str
    feature: str
    segment_type: str
    segment: str
    score: float | None
    threshold: float | None
    finding: str

    @classmethod
    def from_row(cls, row: JsonObject) -> OpenAlert:
        """From a row with the names of the fields; `model_name` and what lacks are empty."""
        return cls(
            model_name=str(row.get("model_name") or ""),
            kind=row["kind"],
            feature=str(row.get("feature") or ""),
            segment_type=row["segment_type"],
            segment=str(row["segment"]),
            score=row.get("score"),
            threshold=row.get("threshold"),
            finding=row["finding"],
        )


def read_open_alerts(monitored: Path, model_name: str) -> tuple[OpenAlert, ...]:
    """The model's open alerts in `monitored` (drift.json); none if the release was not monitored.

    A row without a model's name is of before models had one: it counts for every model.
    """
    if not monitored.exists():
        return ()
    alerts = (OpenAlert.from_row(row) for row in json.loads(monitored.read_text())["alerts"])
    return tuple(alert for alert in alerts if alert.model_name in ("", model_name))
