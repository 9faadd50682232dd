"""What a training depends on, as one short hash: feature data, settings and the code that turns one into
the other."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import duckdb

FEATURE_TABLES = (
    "feat_calendar_week",
    "feat_demand_category_week",
    "feat_demand_product_week",
    "feat_demand_pool_week",
    "feat_location",
    "feat_promotion_plan_category_week",
    "feat_promotion_plan_product_week",
)


MARGIN_TABLES = (
    "feat_calendar_week",
    "feat_demand_category_week",
    "feat_demand_pool_week",
    "feat_discount_plan_category_week",
    "feat_location",
    "feat_margin_category_week",
    "feat_margin_pool_week",
    "feat_promotion_plan_category_week",
)


def data_fingerprint(warehouse: Path, tables: tuple[str, ...] = FEATURE_TABLES) -> str:
    """Hash of the feature tables' rows, whatever their order; the same data in another release has the
    same."""
    parts = []
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        for table in tables:
            columns = con.execute(f"SELECT * FROM {table} LIMIT 0").description or []
            # Sums of doubles may differ in the last bit with the order of summation: nine digits count.
            row = ", ".join(
                f"round({name}, 9)" if "DOUBLE" in str(kind).upper() else str(name)
                for name, kind, *_ in columns
            )
            found = con.execute(f"SELECT count(*), bit_xor(hash({row})) FROM {table}").fetchone()
            parts.append(f"{table}:{found}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def code_fingerprint(model: str = "demand") -> str:
    """Hash of the source that reads features, fits and calibrates; `model` is the model's folder."""
    here = Path(__file__).parents[1]
    files = [here / "demand" / "panel.py"] if model != "demand" else []
    total = hashlib.sha256()
    for path in [*files, *sorted((here / model).glob("*.py"))]:
        total.update(path.name.encode() + path.read_bytes())
    return total.hexdigest()[:16]


def training_fingerprint(
    warehouse: Path,
    settings: dict[str, Any],
    model: str = "demand",
    tables: tuple[str, ...] = FEATURE_TABLES,
) -> str:
    """Equal fingerprints, equal model."""
    plain = [
        data_fingerprint(warehouse, tables),
        code_fingerprint(model),
        json.dumps(settings, sort_keys=True),
    ]
    return hashlib.sha256("\n".join(plain).encode()).hexdigest()[:24]
