"""A million series-weeks scored: seconds, and the peak memory of a process that does nothing else.

`python -m tests.bench.million_weeks` repeats the release's store × category series until they make a million
weeks of forecasts, and times features, both boosters, calibration and the Parquet file. The model has the
pipeline's own trees; it is fitted on few rows, which does not change the work of scoring.
"""

from __future__ import annotations

import json
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from models_ml.demand.evaluation import forecast_frame
from models_ml.demand.model import fit
from models_ml.demand.panel import read_panel
from models_ml.demand.settings import FULL
from models_ml.evaluate.forecast import HORIZON
from tests.bench.places import WAREHOUSE

SERIES_WEEKS = 1_000_000


def main() -> None:
    panel = read_panel(WAREHOUSE, "category")
    origin = len(panel.weeks) - 1
    model = fit(panel, origin, replace(FULL, rows=6_000, first_origin=origin - 12))
    many = panel.select(np.arange(SERIES_WEEKS // HORIZON) % len(panel.items))
    started = time.monotonic()
    frame = forecast_frame(many, origin, model.forecast(many, origin))
    with tempfile.TemporaryDirectory() as folder:
        frame.to_parquet(Path(folder) / "forecasts.parquet", index=False)
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"series_weeks": len(frame), "seconds": seconds, "peak_mb": peak}))


if __name__ == "__main__":
    main()
