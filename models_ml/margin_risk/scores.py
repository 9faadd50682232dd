"""Scores of a margin risk forecast, and the table that sets it beside the rules."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from models_ml.margin_risk.backtest import MarginBacktest
from models_ml.margin_risk.baselines import BASELINES
from models_ml.margin_risk.model import Risk
from models_ml.margin_risk.panel import MarginPanel
from models_ml.margin_risk.settings import HORIZON_WEEKS, MODEL_NAME, TARGET_WEEKS
from models_ml.margin_risk.target import shortfall, total

BINS = 10
LEAST_SLICE = 10  # series of a slice that is scored on its own
NAMES = (
    "auc",
    "money_captured",
    "calibration_error",
    "calibration_error_worst_origin",
    "brier",
    "money_bias",
)
Rule = Callable[[MarginPanel, int], Risk]


def calibration_error(probability: np.ndarray, missed: np.ndarray) -> float:
    """Mean distance of predicted and actual share of misses over ten bins of equally many forecasts."""
    order = np.argsort(probability, kind="stable")
    parts = [p for p in np.array_split(order, BINS) if len(p)]
    apart = [abs(probability[p].mean() - missed[p].mean()) * len(p) for p in parts]
    return float(sum(apart) / len(probability))


def money_captured(money: np.ndarray, outcome: np.ndarray, share: float = 0.1) -> float:
    """Share of all shortfall money that fell on the decile told to lose most; NaN where none was lost."""
    lost = np.maximum(outcome, 0)
    top = np.argsort(-money, kind="stable")[: int(np.ceil(share * len(money)))]
    return float(lost[top].sum() / lost.sum()) if lost.sum() > 0 else float("nan")


def margin_table(
    result: MarginBacktest, weeks: list[int], rules: dict[str, Rule] | None = None
) -> pd.DataFrame:
    """One row per slice, member and model.

    AUC and captured money are means over the origins; calibration error, Brier score and money bias (told
    over lost money, less one) are of all forecasts together, with the worst origin's calibration beside.
    """
    panel, cells = result.panel, []
    for week in weeks:
        origin, chosen = panel.demand.column(week), result.chosen[week]
        risks = {MODEL_NAME: result.risks[week]}
        for name, rule in (BASELINES if rules is None else rules).items():
            risks[name] = Risk(*(part[chosen] for part in rule(panel, origin)))
        outcome = shortfall(panel, origin)[chosen]
        for key, inside in _slices(panel, origin, chosen).items():
            for name, risk in risks.items():
                cells.append((key, name, Risk(*(part[inside] for part in risk)), outcome[inside]))
    records = []
    for key, name in dict.fromkeys((key, name) for key, name, _, _ in cells):
        own = [(risk, outcome) for k, n, risk, outcome in cells if (k, n) == (key, name)]
        records.append({"slice": key[0], "member": key[1], "model": name, **_scores(own)})
    return pd.DataFrame(records)


def _scores(origins: list[tuple[Risk, np.ndarray]]) -> dict[str, float]:
    probability = np.concatenate([risk.probability for risk, _ in origins])
    outcome = np.concatenate([outcome for _, outcome in origins])
    missed, lost = outcome > 0, np.maximum(outcome, 0).sum()
    auc = [roc_auc_score(o > 0, r.rank) if 0 < (o > 0).mean() < 1 else np.nan for r, o in origins]
    forecast = sum(risk.money.sum() for risk, _ in origins)
    return {
        "series": float(np.mean([len(o) for _, o in origins])),
        "missed": float(missed.mean()),
        "auc": float(np.nanmean(auc)) if not np.isnan(auc).all() else float("nan"),
        "money_captured": float(np.mean([money_captured(r.money, o) for r, o in origins])),
        "calibration_error": calibration_error(probability, missed),
        "calibration_error_worst_origin": max(calibration_error(r.probability, o > 0) for r, o in origins),
        "brier": float(((probability - missed) ** 2).mean()),
        "money_bias": float(forecast / lost - 1) if lost > 0 else float("nan"),
    }


def _slices(panel: MarginPanel, origin: int, chosen: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """Masks over the chosen series: all, by department, region, sales band, and promoted more or not."""
    demand = panel.demand
    out = {("all", "all"): np.ones(int(chosen.sum()), bool)}
    for name, values in (("department", demand.departments), ("region", demand.regions)):
        for member in np.unique(values[chosen]):
            out[(name, str(member))] = values[chosen] == member
    sales = total(panel.money.sales, origin, TARGET_WEEKS)[chosen]
    band = np.digitize(sales, np.quantile(sales, [1 / 3, 2 / 3]))
    for i, label in enumerate(("low", "middle", "high")):
        out[("sales", label)] = band == i
    depth = panel.plan["mailer_depth"][chosen]
    ahead = depth[:, origin + 1 : origin + 1 + HORIZON_WEEKS].mean(1)
    more = ahead > depth[:, max(0, origin + 1 - TARGET_WEEKS) : origin + 1].mean(1) + 1e-12
    out[("promotion", "more than usual")], out[("promotion", "as usual or less")] = more, ~more
    return {key: mask for key, mask in out.items() if mask.sum() >= LEAST_SLICE}
