"""Batch scoring: the eight weeks after the last complete week, for every series, by the approved model or
the rule.

Model missing, unapproved, stale, changed or unreachable: the moving-average rule, said in every row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from models_ml.demand.bundle import load_bundle
from models_ml.demand.model import DemandModel, Forecast
from models_ml.demand.settings import QUANTILE_COLUMNS
from models_ml.demand.tail import tail_forecast
from models_ml.errors import ModelError
from models_ml.evaluate.backtest import Progress, silent
from models_ml.evaluate.baselines import moving_average
from models_ml.panel import HORIZON, Panel, read_panel

RULE_NAME = "moving-average-13"
STALE_AFTER_WEEKS = 8
CHAMPION_RECEIPT = (
    "champion_demand.json"  # below the artifact root: the last approved model, readable without MLflow
)


@dataclass(frozen=True)
class Scored:
    """Where the forecasts lie, how many rows, by which model, and why not by a model (empty: by the
    model)."""

    path: Path
    rows: int
    model_name: str
    model_version: str
    release_id: str
    fallback_reason: str
    note: str = ""


@dataclass(frozen=True)
class Champion:
    """Approved models by tier, or none and the reason; `note` says where they came from if not from
    MLflow."""

    models: dict[str, DemandModel]
    version: str
    reason: str = ""
    note: str = ""


def score_demand(
    warehouse: Path,
    release_id: str,
    *,
    tracking_uri: str,
    artifact_root: Path,
    output: Path,
    progress: Progress = silent,
) -> Scored:
    """Write one row per tier, series and week to `output` (Parquet, replaced whole)."""
    categories, products = read_panel(warehouse, "category"), read_panel(warehouse, "product")
    last_week = int(categories.weeks[-1])
    champion = find_champion(tracking_uri, artifact_root, last_week)
    progress(f"score: {'version ' + champion.version if champion.models else champion.reason}")
    cut = len(categories.weeks) - 1
    by_category, category_method, why_category = _by_model_or_rule(champion, categories, cut)
    tail = tail_forecast(products, categories, by_category, cut)
    method = np.full(len(products.items), "category_share" if champion.models else "moving_average", object)
    reason = np.full(len(products.items), why_category, object)
    top = products.selling(cut)
    if top.any() and "product" in champion.models:
        own, used, why = _by_model_or_rule(champion, products.select(top), cut)
        tail.quantiles[top], tail.mean[top] = own.quantiles, own.mean
        method[top], reason[top] = used, why
    endings = week_endings(warehouse)
    stamp = {
        "model_name": "demand" if champion.models else RULE_NAME,
        "model_version": champion.version if champion.models else RULE_NAME,
        "release_id": release_id,
    }
    count = len(categories.items)
    frame = pd.concat(
        [
            _frame(
                categories,
                by_category,
                np.full(count, category_method),
                np.full(count, why_category),
                endings,
            ),
            _frame(products, tail, method, reason, endings),
        ],
        ignore_index=True,
    ).assign(**stamp)
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_suffix(".partial")
    frame.to_parquet(partial, index=False)
    partial.replace(output)
    return Scored(
        output,
        len(frame),
        stamp["model_name"],
        stamp["model_version"],
        release_id,
        champion.reason,
        champion.note,
    )


def find_champion(tracking_uri: str, artifact_root: Path, last_week: int) -> Champion:
    """The approved champion with its files checked against the approved digest; else the reason why not."""
    note = ""
    try:
        found = _from_mlflow(tracking_uri, artifact_root)
    except ModelError as error:
        return Champion({}, "", error.message)
    except Exception as error:  # the register may be down in any way; the last approved model still scores
        note = f"register not reachable ({type(error).__name__}); last approved model used"
        found = _from_receipt(artifact_root)
    if found is None:
        return Champion({}, "", "no approved demand model", note)
    if last_week - found["trained_through_week"] > STALE_AFTER_WEEKS:
        return Champion({}, "", f"demand model {found['version']} is stale: trained through week "
                        f"{found['trained_through_week']}, data reach week {last_week}", note)  # fmt: skip
    try:
        models = load_bundle(Path(found["bundle"]), found["digest"])
    except (ModelError, OSError, KeyError, ValueError) as error:  # files of another format included
        return Champion({}, "", f"demand model {found['version']}: {error}", note)
    return Champion(models, found["version"], "", note)


def remember_champion(
    artifact_root: Path, version: str, digest: str, bundle: Path, through_week: int
) -> None:
    """Keep what is needed to score with the approved model while the register is down."""
    artifact_root.mkdir(parents=True, exist_ok=True)
    plain = {
        "version": version,
        "digest": digest,
        "bundle": str(bundle),
        "trained_through_week": through_week,
    }
    (artifact_root / CHAMPION_RECEIPT).write_text(json.dumps(plain))


def _from_mlflow(tracking_uri: str, artifact_root: Path) -> dict[str, Any] | None:
    from models_ml import registry

    if tracking_uri.startswith("sqlite:///") and not Path(tracking_uri.removeprefix("sqlite:///")).exists():
        raise FileNotFoundError(tracking_uri)
    version = registry.champion(tracking_uri)
    if version is None:
        return None
    if not registry.is_approved(tracking_uri, version):
        raise ModelError(f"demand model {version.version} holds the alias without an approval")
    return {"version": version.version, "digest": version.digest, "bundle": version.bundle,
            "trained_through_week": version.trained_through_week}  # fmt: skip


def _from_receipt(artifact_root: Path) -> dict[str, Any] | None:
    path = artifact_root / CHAMPION_RECEIPT
    return json.loads(path.read_text()) if path.exists() else None


def _by_model_or_rule(champion: Champion, panel: Panel, cut: int) -> tuple[Forecast, str, str]:
    """Forecast, method and reason of a fallback (empty for the model)."""
    model = champion.models.get(panel.tier)
    if model is None:
        return moving_average(panel.units, cut), "moving_average", champion.reason or "tier not in the model"
    return model.forecast(panel, cut), "model", ""


def week_endings(warehouse: Path) -> dict[int, date]:
    """Last day of every week of the calendar, the eight coming weeks included."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        return {
            int(week): day
            for week, day in con.execute("SELECT week, last_day FROM feat_calendar_week").fetchall()
        }


def _frame(
    panel: Panel, forecast: Forecast, method: np.ndarray, reason: np.ndarray, endings: dict[int, date]
) -> pd.DataFrame:
    last, count = int(panel.weeks[-1]), len(panel.items)
    horizon = np.tile(np.arange(1, HORIZON + 1), count)
    ending = np.array(
        [endings.get(last + h, endings[last] + timedelta(days=7 * h)) for h in range(1, HORIZON + 1)]
    )
    out = pd.DataFrame({
        "tier": panel.tier,
        "location_id": np.repeat(panel.locations, HORIZON),
        "item": np.repeat(panel.items, HORIZON),
        "department": np.repeat(panel.departments, HORIZON),
        "category": np.repeat(panel.categories, HORIZON),
        "origin_week": last,
        "week": last + horizon,
        "week_ending": np.tile(ending, count),
        "horizon": horizon,
        "method": np.repeat(method, HORIZON),
        "fallback_reason": np.repeat(reason, HORIZON),
    })  # fmt: skip
    for i, column in enumerate(QUANTILE_COLUMNS):
        out[column] = forecast.quantiles[:, :, i].ravel()
    out["mean"] = forecast.mean.ravel()
    return out
