"""Whether the champion should be trained again, and why: by drift, by age, by error."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from models_ml.lifecycle.drift_policy import Policy, default_policy


@dataclass(frozen=True)
class Advice:
    """Retrain or not, each reason a sentence; without a reason it is not recommended."""

    is_recommended: bool
    reasons: tuple[str, ...]

    def sentence(self) -> str:
        """One line for people."""
        if not self.is_recommended:
            return "no retraining: " + (self.reasons[0] if self.reasons else "nothing asks for it")
        return "retrain recommended: because " + "; ".join(self.reasons)


def advise(
    results: pd.DataFrame,
    *,
    last_week: int,
    trained_through_week: int | None,
    accuracy: tuple[float, float] | None = None,
    policy: Policy | None = None,
) -> Advice:
    """Advice from judged results (all watched weeks), the champion's age in weeks of data, and the WAPE of
    its forecasts and of the moving average on the recorded weeks, where there are any.

    Without a champion (`trained_through_week` None) training is recommended.
    """
    limits = (policy or default_policy()).retrain
    if trained_through_week is None:
        return Advice(True, ("no approved model scores",))
    reasons = []
    now = results[results["week"] == last_week] if len(results) else results
    share = drift_share(now)
    if share >= limits.drift_share:
        reasons.append(f"{share:.0%} of the watched features drifted in week {last_week}")
    in_a_row = weeks_with_alerts(results, last_week)
    if in_a_row >= limits.alert_weeks:
        reasons.append(f"alerts on features or forecasts for {in_a_row} weeks in a row")
    unseen = last_week - trained_through_week
    if unseen >= limits.weeks_since_training:
        reasons.append(f"{unseen} weeks of data have come since it was trained")
    errors = now[(now["aspect"] == "error") & (now["alert_state"] == "alert")] if len(now) else now
    if limits.error_alert and len(errors):
        first = errors.iloc[0]
        reasons.append(f"its error rose in {first['segment_type']} {first['segment']}: {first['finding']}")
    if accuracy is not None and accuracy[1] - accuracy[0] <= limits.gain_lost:
        reasons.append(
            f"WAPE {accuracy[0]:.1%} in recorded weeks, moving average {accuracy[1]:.1%}: it gains nothing"
        )
    if reasons:
        return Advice(True, tuple(reasons))
    return Advice(False, (f"drift share {share:.0%}, {unseen} weeks since training",))


def drift_share(results: pd.DataFrame) -> float:
    """Drifted features ÷ watched features, over all rows; 0 where none is watched."""
    if not len(results):
        return 0.0
    watched = results[(results["segment_type"] == "all") & (results["aspect"] == "feature")]
    return float(watched["is_drifted"].mean()) if len(watched) else 0.0


def weeks_with_alerts(results: pd.DataFrame, last_week: int) -> int:
    """Weeks in a row, up to the last, with an open alert on features or forecasts.

    A store whose feed ended is for a person to look at: training again does not bring it back.
    """
    if not len(results):
        return 0
    alerts = results[
        (results["alert_state"] == "alert")
        & (results["aspect"] != "error")
        & (results["segment_type"] != "location")
    ]
    alerting, count = set(alerts["week"]), 0
    while last_week - count in alerting:
        count += 1
    return count
