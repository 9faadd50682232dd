"""The model card: what a reviewer reads before anything else."""

from __future__ import annotations

import pandas as pd

from governance.json_types import JsonDict
from models_ml.lifecycle.model_card import markdown_table


def demand_card(
    table: pd.DataFrame, *, release_id: str, git_commit: str, last_week: int, settings: JsonDict
) -> str:
    """Markdown with use, limits, data and the evaluation beside both baselines."""
    overall = table[table["slice"] == "all"].drop(columns=["slice", "member"])
    weak = _weakest(table)
    return f"""# Demand model

**Use.** Units a week for the eight weeks after the last complete week, at store × category and top
product × store. Order from the upper quantiles; the median under-forecasts by design and is for WAPE
only.

**Not for.** Fuel, miscellaneous goods and coupons; single customers; new products without sales; horizons
past eight weeks. A year of history holds no yearly season: holidays seen once or never are forecast as
ordinary weeks.

**Data.** Release `{release_id}`, code `{git_commit}`, weeks up to {last_week}. Recorded sales of a
household panel; a week without stock counts as a week without demand at these tiers.

**Method.** Mean of multi-quantile gradient boosting on the ratio to the series' level, and a Tweedie mean
with empirical ratio quantiles; calibrated by the errors of earlier forecasts. Settings: `{settings}`.

## Rolling origins, mean over origins

{markdown_table(overall)}

## Fairness: regions, and stores' sizes of demand

No attribute of a customer is a feature, so no group of people is treated by what it is. What can differ is
how well places are served: the same scores by region and by volume.

{markdown_table(_by(table, "region", "volume"))}

## Departments where it gains least over the moving average

{markdown_table(weak)}
"""


def _by(table: pd.DataFrame, *slices: str) -> pd.DataFrame:
    """The model's rows of some slices, with how its WAPE compares to the moving average's."""
    rows = table[table["slice"].isin(slices)]
    wide = rows.pivot_table(index=["tier", "slice", "member"], columns="model", values="wape")
    ours = rows[rows["model"] == "demand"].set_index(["tier", "slice", "member"])
    out = ours[["series", "wape", "pinball", "coverage_80", "bias_mean"]]
    gain = 1 - wide["demand"] / wide["moving average 13"]
    return out.assign(gain_over_moving_average=gain).reset_index()


def _weakest(table: pd.DataFrame) -> pd.DataFrame:
    parts = table[table["slice"] == "department"]
    wide = parts.pivot_table(index=["tier", "member"], columns="model", values="pinball")
    wide["ratio"] = wide["demand"] / wide["moving average 13"]
    return wide.sort_values("ratio", ascending=False).head(8).reset_index()
