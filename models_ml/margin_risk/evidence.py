"""What a reviewer sees of a margin risk version beside its numbers: whether its chances are true, where the
money lies, and Evidently's classification report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from models_ml.lifecycle.evidence import REPORT, log_evidence
from models_ml.lifecycle.figures import figure
from models_ml.lifecycle.registry import ModelVersion
from models_ml.margin_risk.backtest import MarginBacktest
from models_ml.margin_risk.baselines import last_four_weeks_repeat
from models_ml.margin_risk.reads import margin_risk_reads
from models_ml.margin_risk.scores import BINS
from models_ml.margin_risk.settings import MODEL_NAME
from models_ml.margin_risk.target import shortfall

OURS, RULE = "#1f5c99", "#b0722c"
REPEAT = "last four weeks repeat"


def attach_margin_evidence(
    tracking_uri: str, version: ModelVersion, result: MarginBacktest, weeks: list[int], table: pd.DataFrame
) -> list[str]:
    """Log plots, report and lineage with the version's run; the names of the artifacts."""
    forecasts = forecasts_and_outcomes(result, weeks)

    def draw(folder: Path) -> None:
        plot_reliability(forecasts, folder / "calibration.png")
        plot_money(forecasts, folder / "shortfall_money_found.png")
        plot_departments(table, folder / "auc_by_department.png")
        evidently_report(forecasts, folder / REPORT, f"{version.name} {version.version}")

    return log_evidence(tracking_uri, version, table, margin_risk_reads(), draw)


def forecasts_and_outcomes(result: MarginBacktest, weeks: list[int]) -> pd.DataFrame:
    """One row per store × category and origin: what was told of it, what became of it;
    `repeat_at_risk` is what the baseline "last four weeks repeat" puts at risk."""
    parts = []
    for week in weeks:
        demand, chosen, risk = result.panel.demand, result.chosen[week], result.risks[week]
        origin = demand.column(week)
        parts.append(pd.DataFrame({
            "location_id": demand.locations[chosen],
            "category": demand.items[chosen],
            "origin": week,
            "probability": risk.probability,
            "expected_shortfall": risk.shortfall,
            "money_at_risk": risk.money,
            "repeat_at_risk": last_four_weeks_repeat(result.panel, origin).money[chosen],
            "shortfall": np.maximum(shortfall(result.panel, origin)[chosen], 0),
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def plot_reliability(forecasts: pd.DataFrame, path: Path) -> None:
    """Share that missed the target against the chance that was told, in ten bins of equally many."""
    drawn, axes = figure("Calibration of the chance of a miss")
    axes.plot([0, 1], [0, 1], color="#999999", lw=1)
    ordered = forecasts.sort_values("probability", kind="stable")
    bins = [part for part in np.array_split(np.arange(len(ordered)), BINS) if len(part)]
    chance = [ordered["probability"].to_numpy()[part].mean() for part in bins]
    missed = [(ordered["shortfall"].to_numpy()[part] > 0).mean() for part in bins]
    axes.plot(chance, missed, marker="o", color=OURS, label=MODEL_NAME)
    axes.set(xlabel="chance told", ylabel="share that missed", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    drawn.savefig(path, dpi=110)


def plot_money(forecasts: pd.DataFrame, path: Path) -> None:
    """Share of all shortfall money found by looking at so large a part of the list, largest risks first."""
    drawn, axes = figure("Shortfall money found, largest risks first")
    lost = forecasts["shortfall"].to_numpy()
    looked = np.arange(1, len(lost) + 1) / len(lost)
    for label, column, colour in (
        (MODEL_NAME, "money_at_risk", OURS), (REPEAT, "repeat_at_risk", RULE),
    ):  # fmt: skip
        order = np.argsort(-forecasts[column].to_numpy(), kind="stable")
        axes.plot(looked, np.cumsum(lost[order]) / max(lost.sum(), 1e-9), color=colour, label=label)
    axes.plot([0, 1], [0, 1], color="#999999", lw=1)
    axes.axvline(0.1, color="#999999", lw=1, ls=":")
    axes.set(xlabel="share of the list looked at", ylabel="share of the money", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    drawn.savefig(path, dpi=110)


def plot_departments(table: pd.DataFrame, path: Path) -> None:
    """AUC by department beside the baseline that repeats the last four weeks."""
    rows = table[table["slice"] == "department"]
    wide = rows.pivot_table(index="member", columns="model", values="auc")
    wide = wide[[name for name in (MODEL_NAME, REPEAT) if name in wide]]
    wide = wide.dropna().sort_values(wide.columns[0])
    drawn, axes = figure("AUC by department", height=1.5 + 0.35 * max(len(wide), 1))
    if len(wide):
        wide.plot.barh(ax=axes, color={MODEL_NAME: OURS, REPEAT: RULE}, width=0.8)
    axes.axvline(0.5, color="#999999", lw=1)
    axes.set(xlabel="AUC", ylabel="")
    drawn.savefig(path, dpi=110)


def evidently_report(forecasts: pd.DataFrame, path: Path, name: str) -> None:
    """Evidently's classification report: the last origin beside those before."""
    import os

    os.environ.setdefault("DO_NOT_TRACK", "1")  # Evidently's own switch for telemetry
    from evidently import BinaryClassification, DataDefinition, Dataset, Report
    from evidently.presets import ClassificationPreset

    rows = pd.DataFrame({
        "missed": (forecasts["shortfall"] > 0).astype(int),
        "probability": forecasts["probability"].astype(float),
        "origin": forecasts["origin"],
    })  # fmt: skip
    last = rows["origin"] == rows["origin"].max()
    definition = DataDefinition(
        numerical_columns=["probability"], categorical_columns=["missed"],
        classification=[BinaryClassification(target="missed", prediction_probas="probability")],
    )  # fmt: skip
    parts = [rows[mask].drop(columns="origin").reset_index(drop=True) for mask in (last, ~last)]
    sets = [Dataset.from_pandas(part, data_definition=definition) for part in parts if len(part)]
    snapshot = Report([ClassificationPreset()]).run(*sets, name=name)
    snapshot.save_html(str(path))
