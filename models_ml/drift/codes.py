"""Codes that appear, vanish or change their name: departments, categories, regions, channels, stores."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from governance.disk import atomic_write
from models_ml.drift.changes import before, by_week
from models_ml.drift.observe import Observed, observe
from models_ml.lifecycle.drift_policy import REFERENCE_WEEKS

CODES = {
    "department": "department", "category": "category", "region": "region", "channel": "channel",
    "location": "location_id",
}  # fmt: skip
LEAST_LINES = 15  # a week: rarer codes come and go
LEAST_RENAMED = 30
LEAST_RENAMED_STORE = 100  # small stores of a panel come and go all the time
NEARLY_GONE = 0.1  # of its usual lines: what is left of a store that got another number
LEAST_DEVIATIONS = 5.0  # of a Poisson count: what a fall must be to be no chance
KINDS = ("renamed_code", "new_code", "lost_code")


def code_changes(observed: Observed, trained: dict[str, list[str]] | None = None) -> pd.DataFrame:
    """Shares of the week's lines whose codes are renamed, new or lost; one row per week, kind and column.

    `known` are the codes that the model was trained with: one that history already holds but training did
    not is new too (a renamed catalogue relabels its own past).
    """
    parts = []
    for feature, column in CODES.items():
        lines = by_week(observed.cells, column, "lines", observed.weeks["week"])
        parts.append(_of_column(feature, lines, trained.get(feature) if trained else None))
    return pd.concat(parts, ignore_index=True)


def known_codes(observed: Observed) -> dict[str, list[str]]:
    """Codes of the last thirteen weeks with enough lines: what a model trained now has learned of."""
    last = observed.cells[observed.cells["week"] > observed.last_week - REFERENCE_WEEKS]
    out = {}
    for feature, column in CODES.items():
        lines = last.groupby(column, observed=True)["lines"].sum()
        out[feature] = sorted(str(code) for code in lines.index[lines >= LEAST_LINES])
    return out


def codes_path(artifact_root: Path, name: str, version: str) -> Path:
    """Where the codes lie that a version was trained with."""
    return artifact_root / "codes" / f"{name}-{version}.json"


def save_codes(warehouse: Path, path: Path) -> None:
    """Keep the codes of the release, to recognise new names later."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        codes = known_codes(observe(con))
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, json.dumps(codes))


def trained_codes(artifact_root: Path, name: str, version: str) -> dict[str, list[str]] | None:
    """Codes that the version was trained with; None where they were not kept."""
    path = codes_path(artifact_root, name, version)
    return json.loads(path.read_text()) if version and path.exists() else None


def _of_column(feature: str, lines: pd.DataFrame, trained: list[str] | None) -> pd.DataFrame:
    usual = before(lines)
    earlier = lines.shift(1).rolling(REFERENCE_WEEKS, min_periods=8)
    seen, least, last_week = earlier.max(), earlier.min(), lines.shift(1)
    rows = []
    for week in lines.index[usual.notna().all(axis=1)]:
        now, then = lines.loc[week], usual.loc[week]
        total = max(float(now.sum()), 1.0)
        is_store = feature == "location"
        is_last = week == lines.index[-1]
        unseen = seen.loc[week] == 0
        if is_last and trained:
            unseen |= ~lines.columns.isin(trained)
        new = now[unseen & (now >= LEAST_LINES)].sort_values(ascending=False)
        fallen = (then - now)[(then - now) > LEAST_DEVIATIONS * np.sqrt(then.clip(lower=1))]
        if is_store:
            fallen = fallen[now[fallen.index] <= NEARLY_GONE * then[fallen.index]]
        # A season fades out; a code that is lost stops from one week to the next.
        stopped = (now == 0) & (least.loc[week] > 0) & (last_week.loc[week] >= then / 2)
        gone = now[stopped & (then >= LEAST_LINES)].index
        if is_last and trained:
            absent = [c for c in trained if c not in lines.columns]
            fallen = pd.concat([fallen, pd.Series(np.nan, index=absent)])
        renamed, renames = 0.0, []
        for code, count in new.items():
            if count < (LEAST_RENAMED_STORE if is_store else LEAST_RENAMED):
                break
            source = _renamed_from(str(code), float(count), fallen)
            if source is not None:
                renamed += float(count)
                renames.append(f"{source} → {code} ({count:,.0f} lines)")
                fallen = fallen.drop(source)
                new = new.drop(code)
                gone = gone.drop(source, errors="ignore")
        shares = {"renamed_code": renamed / total, "new_code": float(new.sum()) / total,
                  "lost_code": float(then[gone].sum()) / max(float(then.sum()), 1.0)}  # fmt: skip
        sentences = {
            "renamed_code": "; ".join(renames),
            "new_code": _named(new),
            "lost_code": _named(then[gone]),
        }
        # A store that closes or opens is told by its feed; only a changed name is a matter of codes.
        kinds = KINDS[:1] if is_store else KINDS
        rows += [{"week": week, "kind": kind, "feature": feature, "segment_type": "all", "segment": "all",
                  "value": shares[kind], "words": sentences[kind]} for kind in kinds]  # fmt: skip
    return pd.DataFrame(rows)


def _renamed_from(code: str, count: float, fallen: pd.Series) -> str | None:
    """The code whose loss is about what `code` gained; one that training knew and nobody sells any more
    (NaN) only where its name resembles."""
    gap = (fallen - count).abs()
    near = gap[(fallen >= count / 2) & (fallen <= count * 2)]
    if len(near):
        return str(near.idxmin())
    letters = set(code.lower().split())
    alike = [str(c) for c in fallen.index[fallen.isna()] if letters & set(str(c).lower().split())]
    return alike[0] if alike else None


def _named(codes: pd.Series) -> str:
    named = [f"{code} ({lines:,.0f} lines)" for code, lines in codes.items()]
    more = f" and {len(named) - 4} more" if len(named) > 4 else ""
    return ", ".join(named[:4]) + more
