"""The model card of margin risk."""

from __future__ import annotations

import pandas as pd

from governance.json_types import JsonDict
from models_ml.lifecycle.model_card import markdown_table


def margin_risk_card(
    table: pd.DataFrame,
    *,
    release_id: str,
    git_commit: str,
    last_week: int,
    settings: JsonDict,
    is_simulated: bool,
) -> str:
    """Markdown with use, limits, data, the target's definition and the evaluation beside the baselines."""
    overall = table[table["slice"] == "all"].drop(columns=["slice", "member"])
    parts = table[(table["model"] == "margin_risk") & table["slice"].isin(["region", "sales", "promotion"])]
    weak = table[(table["model"] == "margin_risk") & (table["slice"] == "department")]
    weakest = weak.sort_values("auc").head(8)
    money = (
        "**The landed cost is simulated on this data, so margins, shortfalls and money at risk are too.**"
        if is_simulated
        else "Landed cost as delivered."
    )
    return f"""# Margin risk model

**Use.** Chance that a store × category earns a lower gross margin rate over the next four weeks than over
its last quarter, and the money that this would cost. Sum probability × shortfall for a department, region
or the chain; look at the top of the list first.

**Not for.** Single products, single customers, store × categories that sell in fewer than 20 of 28 weeks
(the baseline answers for those), horizons past four weeks. It says where margin slips, not what a price
should be.

**Target.** The gross margin rate of the 13 weeks up to the origin; missed when the rate of the next four
weeks is lower; shortfall = (target − rate) × net sales of those weeks. A retailer's own margin budget is not
part of the contract. Much of a miss is a high quarter falling back, which the baseline "back to the
category's rate" shows.

**Data.** Release `{release_id}`, code `{git_commit}`, weeks up to {last_week}. {money} Known at the origin:
sales, margins and discounts up to its week and the promotion calendar of the four weeks after it. Realised
discounts of the coming weeks are not read: with them the AUC would be near .80, and of no use.

**Method.** Gradient boosting on log-odds of a miss and on its size (gamma), calibrated by the forecasts of
earlier origins; contributions by TreeSHAP. Settings: `{settings}`.

## Rolling origins

AUC and captured money are means over origins, the rest is of all forecasts together.

{markdown_table(overall)}

## By region, size and promotion

{markdown_table(parts)}

## Departments with the lowest AUC

{markdown_table(weakest)}
"""
