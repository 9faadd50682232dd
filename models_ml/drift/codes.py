"""Codes that appear, vanish or change their name: departments, categories, regions, channels, stores."""

from __future__ import annotations

import json
from dataclasses import dataclass
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

    `trained` are the codes that the model was trained with: one that history already holds but training did
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


@dataclass(frozen=True)
class _Week:
    """Lines by code in one week: now, as usual before it (nothing known: NaN), and which codes are new, fell
    or stopped. A season fades out; a code that is lost stops from one week to the next."""

    now: pd.Series
    usual: pd.Series
    new: pd.Series
    fallen: pd.Series
    gone: pd.Index


def _of_column(feature: str, lines: pd.DataFrame, trained: list[str] | None) -> pd.DataFrame:
    usual = before(lines)
    # A store that closes or opens is reported by its feed; only a changed name is a matter of codes.
    kinds = KINDS[:1] if feature == "location" else KINDS
    rows = []
    for row in map(int, np.flatnonzero(usual.notna().all(axis=1))):
        codes = trained if row == len(lines) - 1 else None
        shares, sentences = _judged(_week(lines, usual, row, feature, codes), feature)
        same = {"week": lines.index[row], "feature": feature, "segment_type": "all", "segment": "all"}
        rows += [{**same, "kind": kind, "value": shares[kind], "words": sentences[kind]} for kind in kinds]
    return pd.DataFrame(rows)


def _week(
    lines: pd.DataFrame, usual: pd.DataFrame, row: int, feature: str, trained: list[str] | None
) -> _Week:
    """`trained`: the codes that training knew, if the week is one to compare with them."""
    earlier, now, then = lines.iloc[:row], lines.iloc[row], usual.iloc[row]
    window = earlier.iloc[-REFERENCE_WEEKS:]
    unseen = window.max() == 0
    if trained:
        unseen |= ~lines.columns.isin(trained)
    new = now[unseen & (now >= LEAST_LINES)].sort_values(ascending=False)
    fallen = (then - now)[(then - now) > LEAST_DEVIATIONS * np.sqrt(then.clip(lower=1))]
    if feature == "location":
        fallen = fallen[now[fallen.index] <= NEARLY_GONE * then[fallen.index]]
    stopped = (now == 0) & (window.min() > 0) & (earlier.iloc[-1] >= then / 2)
    if trained:
        absent = [code for code in trained if code not in lines.columns]
        fallen = pd.concat([fallen, pd.Series(np.nan, index=absent)])
    return _Week(now, then, new, fallen, now[stopped & (then >= LEAST_LINES)].index)


def _judged(week: _Week, feature: str) -> tuple[dict[str, float], dict[str, str]]:
    """Share of the week's lines and the sentence, by kind of change."""
    least = LEAST_RENAMED_STORE if feature == "location" else LEAST_RENAMED
    new, fallen, gone = week.new, week.fallen, week.gone
    renamed, renames = 0.0, []
    for code, count in week.new.items():
        if count < least:
            break
        source = _renamed_from(str(code), float(count), fallen)
        if source is not None:
            renamed += float(count)
            renames.append(f"{source} → {code} ({count:,.0f} lines)")
            fallen, new = fallen.drop(source), new.drop(code)
            gone = gone.drop(source, errors="ignore")
    shares = {
        "renamed_code": renamed / max(float(week.now.sum()), 1.0),
        "new_code": float(new.sum()) / max(float(week.now.sum()), 1.0),
        "lost_code": float(week.usual[gone].sum()) / max(float(week.usual.sum()), 1.0),
    }
    lost = _named(week.usual[gone])
    return shares, {"renamed_code": "; ".join(renames), "new_code": _named(new), "lost_code": lost}


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
