"""Which changes count: thresholds learned on the weeks before, and alerts that neither flicker nor wait.

A threshold is so many robust deviations of the earlier values, never below the least change worth a look. A
change far beyond it alerts in its first week; a smaller one must last two of three. An alert closes after two
quiet weeks.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from models_ml.drift.changes import Watch, watch_of

KEY = ["kind", "feature", "segment_type", "segment"]
LEAST_HISTORY = 8  # weeks of values before a threshold can be learned
WIDER = 1.05  # than the widest quiet change so far
SPECIAL = 1.5  # holidays move shoppers without anything being wrong
OPEN_OF, OPEN_WINDOW, CLOSE_AFTER = 2, 3, 2
OF_NORMAL = 1.4826  # median absolute deviation of a normal to its standard deviation


def judge(values: pd.DataFrame, special_weeks: set[int]) -> pd.DataFrame:
    """`values` with score, threshold, is_drifted and alert_state, for weeks with enough history.

    `score` is the change against the median of earlier weeks: signed values may wander slowly without
    being news.
    """
    parts = []
    for (kind, feature, segment_type, _), group in values.dropna(subset=["value"]).groupby(KEY, sort=True):
        judged = _judge_one(
            group.sort_values("week"), watch_of(str(kind), str(feature), str(segment_type)), special_weeks
        )
        parts.append(judged)
    judged_parts = [part for part in parts if len(part)]
    columns = [*values.columns, "score", "threshold", "is_drifted", "alert_state"]
    return pd.concat(judged_parts, ignore_index=True) if judged_parts else pd.DataFrame(columns=columns)


def _judge_one(group: pd.DataFrame, limits: Watch, special_weeks: set[int]) -> pd.DataFrame:
    weeks, values = group["week"].to_numpy(), group["value"].to_numpy(float)
    score, threshold = np.full((2, len(values)), np.nan)
    drifted = np.zeros(len(values), bool)
    is_special = np.isin(weeks, list(special_weeks))
    for i in range(LEAST_HISTORY, len(values)):
        quiet = ~drifted[:i]  # what was drift must not teach that drift is quiet
        centre = np.median(values[:i][quiet])
        away = np.abs(values[:i][quiet] - centre)
        spread = OF_NORMAL * np.median(away)
        widest = (away / np.where(is_special[:i][quiet], SPECIAL, 1.0)).max()
        threshold[i] = max(limits.floor, limits.deviations * spread, WIDER * widest)
        threshold[i] *= SPECIAL if is_special[i] else 1.0
        change = values[i] - centre
        score[i] = max(-change, 0.0) if limits.only_falls else abs(change)
        drifted[i] = score[i] >= threshold[i]
    far = score >= limits.far * threshold
    out = group.assign(score=score, threshold=threshold, is_drifted=drifted, alert_state=states(drifted, far))
    return out.iloc[LEAST_HISTORY:]


def states(drifted: np.ndarray, far: np.ndarray) -> list[str]:
    """quiet, watch (drifted, no alert yet) or alert, week by week."""
    out, is_open = [], False
    for i in range(len(drifted)):
        recent = drifted[max(0, i - OPEN_WINDOW + 1) : i + 1]
        if far[i] or recent.sum() >= OPEN_OF:
            is_open = True
        elif is_open and not drifted[max(0, i - CLOSE_AFTER + 1) : i + 1].any():
            is_open = False
        out.append("alert" if is_open else "watch" if drifted[i] else "quiet")
    return out
