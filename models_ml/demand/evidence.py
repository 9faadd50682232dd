"""What a reviewer sees of a version beside its numbers: plots, Evidently's report, feature lineage."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from models_ml.demand.reads import demand_reads
from models_ml.evaluate.forecast import LEVELS, QUANTILE_COLUMNS
from models_ml.lifecycle.evidence import REPORT, log_evidence
from models_ml.lifecycle.figures import figure
from models_ml.lifecycle.registry import ModelVersion
from models_ml.table_row import TableRow

ROWS = 4000  # of forecasts in Evidently's report: enough to see, small enough to open
COLOURS = {"demand": "#1f5c99", "moving average 13": "#b0722c", "last week": "#8c8c8c"}

BESIDE_ACTUAL = """
SELECT f.*, coalesce(c.units, p.units, 0) AS units
FROM read_parquet(?) f
LEFT JOIN feat_demand_category_week c ON f.tier = 'category' AND c.location_id = f.location_id
    AND c.category = f.item AND c.week = f.week
LEFT JOIN feat_demand_product_week p ON f.tier = 'product' AND p.location_id = f.location_id
    AND p.product_id = f.item AND p.week = f.week
"""


def attach_evidence(
    tracking_uri: str, version: ModelVersion, warehouse: Path, backtest: Path, evaluation: pd.DataFrame
) -> list[str]:
    """Log plots, report and lineage with the demand version's run; the names of the artifacts."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        beside = con.execute(BESIDE_ACTUAL, [str(backtest)]).df()

    def draw(folder: Path) -> None:
        plot_horizon(beside, evaluation, folder / "accuracy_by_horizon.png")
        plot_calibration(beside, folder / "calibration.png")
        plot_departments(evaluation, folder / "accuracy_by_department.png")
        evidently_report(beside, folder / REPORT, f"{version.name} {version.version}")

    return log_evidence(tracking_uri, version, evaluation, demand_reads(), draw)


def plot_horizon(beside: pd.DataFrame, evaluation: pd.DataFrame, path: Path) -> None:
    """WAPE of the median by weeks ahead, one line a tier, and the baselines' mean over all weeks."""
    drawn, axes = figure("WAPE by horizon (median forecast, pooled over origins)")
    for tier, rows in beside.groupby("tier"):
        error = (rows["units"] - rows["q50"]).abs().groupby(rows["horizon"]).sum()
        wape = error / rows["units"].groupby(rows["horizon"]).sum()
        axes.plot(wape.index, wape, marker="o", label=f"{tier}: demand")
        overall = evaluation[(evaluation["slice"] == "all") & (evaluation["tier"] == tier)]
        row: TableRow
        for row in overall[overall["model"] != "demand"].itertuples():
            axes.axhline(
                row.wape, color=_colour(str(row.model)), ls="--", lw=1, label=f"{tier}: {row.model}, mean"
            )
    axes.set(xlabel="weeks ahead", ylabel="WAPE")
    axes.legend(fontsize=8)
    drawn.savefig(path, dpi=110)


def plot_calibration(beside: pd.DataFrame, path: Path) -> None:
    """Share of weeks at or below each quantile against its level; a week of no sales counts half where the
    quantile is zero, as in a randomised probability transform."""
    drawn, axes = figure("Calibration of the quantiles")
    axes.plot([0, 1], [0, 1], color="#999999", lw=1)
    for tier, rows in beside.groupby("tier"):
        units = rows["units"].to_numpy()
        shares = [calibration(units, rows[name].to_numpy()) for name in QUANTILE_COLUMNS]
        axes.plot(LEVELS, shares, marker="o", label=str(tier))
    axes.set(xlabel="level of the quantile", ylabel="share of weeks at or below it", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    drawn.savefig(path, dpi=110)


def calibration(units: np.ndarray, quantile: np.ndarray) -> float:
    """Share of weeks below the quantile, those that equal it counted half."""
    return float((units < quantile).mean() + 0.5 * (units == quantile).mean())


def plot_departments(evaluation: pd.DataFrame, path: Path) -> None:
    """WAPE by department beside the moving average, largest tables first. Nothing if none could be judged."""
    rows = evaluation[evaluation["slice"] == "department"].dropna(subset="wape")
    if rows.empty:
        return
    rows = rows[rows["tier"] == rows["tier"].iloc[0]]
    wide = rows.pivot_table(index="member", columns="model", values="wape")
    ordered = wide.sort_values("demand", ascending=False)[[name for name in COLOURS if name in wide.columns]]
    drawn, axes = figure("WAPE by department", height=1.5 + 0.35 * len(ordered))
    ordered.plot.barh(ax=axes, color=[_colour(name) for name in ordered.columns], width=0.8)
    axes.set(xlabel="WAPE", ylabel="")
    axes.legend(fontsize=8)
    drawn.savefig(path, dpi=110)


def evidently_report(beside: pd.DataFrame, path: Path, name: str) -> None:
    """Evidently's regression report: forecasts of the last origin beside those of the origins before, if
    there are any."""
    import os

    os.environ.setdefault("DO_NOT_TRACK", "1")
    from evidently import DataDefinition, Dataset, Regression, Report
    from evidently.presets import RegressionPreset

    tier = str(beside["tier"].iloc[0])
    rows = beside[beside["tier"] == tier][["origin_week", "units", "mean"]].astype(float)
    last = rows["origin_week"] == rows["origin_week"].max()
    definition = DataDefinition(
        numerical_columns=["units", "mean"], regression=[Regression(target="units", prediction="mean")]
    )
    parts = [_some(part[["units", "mean"]]) for part in (rows[last], rows[~last]) if len(part)]
    sets = [Dataset.from_pandas(part, data_definition=definition) for part in parts]
    snapshot = Report([RegressionPreset()], metadata={"tier": tier}).run(*sets, name=name)
    snapshot.save_html(str(path))


def _some(rows: pd.DataFrame) -> pd.DataFrame:
    sampled = rows if len(rows) <= ROWS else rows.sample(ROWS, random_state=20170101)
    return sampled.reset_index(drop=True)


def _colour(model: str) -> str:
    return COLOURS.get(model, "#333333")
