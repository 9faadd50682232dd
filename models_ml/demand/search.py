"""Search of the demand model's settings inside the training window, by Optuna on a budget.

A trial fits at earlier origins and is scored on weeks that lie before the first origin that is reported, so
that no reported figure ever chose a setting. What it finds is evidence for a person: settings change by
review of the code, not by themselves.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from governance.json_types import JsonDict
from governance.progress import Progress, silent
from models_ml.demand.features import build
from models_ml.demand.model import fit, horizon_units
from models_ml.demand.panel import Panel
from models_ml.demand.rows import RowPool
from models_ml.demand.settings import DemandSettings
from models_ml.errors import NotEnoughHistoryError
from models_ml.evaluate.forecast import HORIZON
from models_ml.evaluate.metrics import demand_scores
from models_ml.lifecycle.search_log import Trial

if TYPE_CHECKING:
    import optuna

ORIGINS_SCORED = 2  # the last of them ends where the first reported origin begins
APART = 4  # weeks between them
LEAST_HISTORY = 13


@dataclass(frozen=True)
class Search:
    """Every trial in order, the settings in force first, and the best."""

    window_through_week: int
    origins: tuple[int, ...]
    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial:
        return min(self.trials, key=lambda trial: trial.relative_pinball)


def search_settings(
    panels: Sequence[Panel],
    before_week: int,
    settings: DemandSettings,
    *,
    trials: int,
    seconds: float,
    progress: Progress = silent,
) -> Search:
    """At most `trials` trials or `seconds`, whichever ends first, on weeks up to `before_week` alone.

    The same panels, settings and number of trials give the same trials.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    earlier = [_until(panel, before_week) for panel in panels]
    origins = _origins(earlier[0], before_week)
    started = time.monotonic()
    grounds = [_ground(panel, origins, settings) for panel in earlier]
    base = _scores(grounds, settings)
    done = [Trial({}, 1.0, base, time.monotonic() - started)]

    def objective(trial: optuna.Trial) -> float:
        chosen = _suggest(trial, settings)
        progress(f"search: trial {len(done)} of {trials}")
        began = time.monotonic()
        scores = _scores(grounds, replace(settings, **chosen))
        names = [name for name in base if name.endswith("pinball")]
        relative = float(np.mean([scores[name] / base[name] for name in names]))
        done.append(Trial(chosen, relative, scores, time.monotonic() - began))
        return relative

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=settings.seed, n_startup_trials=5))
    left = seconds - (time.monotonic() - started)
    if trials > 0 and left > 0:
        study.optimize(objective, n_trials=trials, timeout=left)
    return Search(before_week, tuple(origins), tuple(done))


def _suggest(trial: optuna.Trial, settings: DemandSettings) -> JsonDict:
    """Trees about as dear as those in force: more rounds come with a smaller step."""
    rounds = trial.suggest_int("rounds", 90, 180, step=10)
    return {
        "quantile_rounds": rounds,
        "mean_rounds": rounds,
        "learning_rate": trial.suggest_float("learning_rate", 0.03, 0.12, log=True),
        "depth": trial.suggest_int("depth", 3, 5),
        "least_child_weight": trial.suggest_float("least_child_weight", 10, 160, log=True),
        "column_share": trial.suggest_float("column_share", 0.2, 0.8),
        "row_share": trial.suggest_float("row_share", 0.5, 0.9),
        "kernel_width": trial.suggest_float("kernel_width", 0.015, 0.1, log=True),
        "tweedie_power": trial.suggest_float("tweedie_power", 1.1, 1.6),
    }


def _until(panel: Panel, week: int) -> Panel:
    """The panel without what was recorded after the week; plan and calendar reach eight weeks further."""
    width = panel.column(week) + 1
    return replace(
        panel,
        weeks=panel.weeks[:width],
        coming=panel.ahead(width - 1),
        measures={name: values[:, :width] for name, values in panel.measures.items()},
        pools={
            name: replace(pool, units=pool.units[:, :width], baskets=pool.baskets[:, :width])
            for name, pool in panel.pools.items()
        },
        plan={name: values[:, : width + HORIZON] for name, values in panel.plan.items()},
        plan_known=panel.plan_known[: width + HORIZON],
        calendar={name: values[: width + HORIZON] for name, values in panel.calendar.items()},
    )


def _origins(panel: Panel, before_week: int) -> list[int]:
    before = panel.column(before_week)
    columns = [before - HORIZON - APART * k for k in range(ORIGINS_SCORED)][::-1]
    if columns[0] < LEAST_HISTORY:
        raise NotEnoughHistoryError(
            f"A search before week {before_week} needs {LEAST_HISTORY + HORIZON + APART} complete weeks."
        )
    return [int(panel.weeks[column]) for column in columns]


class _Origin(NamedTuple):
    """What is asked at a column: features and scale of the series that sell by then, the units that
    came in the horizon, and those up to it."""

    column: int
    features: np.ndarray
    scale: np.ndarray
    came: np.ndarray
    past: np.ndarray


class _Ground(NamedTuple):
    """What all trials of a tier have in common: no setting that is tried changes a row or a feature."""

    panel: Panel
    pool: RowPool
    origins: tuple[_Origin, ...]


def _ground(panel: Panel, weeks: list[int], settings: DemandSettings) -> _Ground:
    columns = [panel.column(week) for week in weeks]
    origins_scored = []
    for column in columns:
        selling = panel.select(panel.selling(column))
        features, scale, _ = build(selling, column)
        origins_scored.append(
            _Origin(column, features, scale, horizon_units(selling, column), selling.units[:, : column + 1])
        )
    return _Ground(panel, RowPool(panel, columns, settings), tuple(origins_scored))


def _scores(grounds: Sequence[_Ground], settings: DemandSettings) -> JsonDict:
    """WAPE and pinball loss by tier, mean over the origins, of series that sell by then."""
    out: dict[str, float] = {}
    for panel, pool, origins in grounds:
        scored = []
        for origin in origins:
            forecast = fit(panel, origin.column, settings, pool=pool).predict(origin.features, origin.scale)
            scored.append(demand_scores(origin.came, forecast.quantiles, forecast.mean, origin.past))
        for name in ("wape", "pinball", "rmsse"):
            out[f"{panel.tier}_{name}"] = float(np.mean([one[name] for one in scored]))
    return out
