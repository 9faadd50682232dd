"""Findings in words: what changed, where, by how much."""

from __future__ import annotations

import math

from models_ml.table_row import TableRow

METHODS = {
    "price_shift": "log change of matched shelf prices",
    "discount_shift": "change of the discount rate",
    "lost_feed": "log ratio to the reference weeks",
    "volume_shift": "log ratio to the reference weeks",
    "mix_shift": "population stability index",
    "renamed_code": "share of lines",
    "new_code": "share of lines",
    "lost_code": "share of lines",
    "distribution_shift": "Wasserstein distance (normed)",
    "prediction_shift": "Wasserstein distance (normed)",
    "error_shift": "change against the reference weeks",
}


_PLURAL = {"category_share": "categories", "department_share": "departments"}


def method_of(kind: str) -> str:
    """The measure of a kind of change."""
    return METHODS[kind]


def aspect_of(kind: str) -> str:
    """feature, prediction or error."""
    return {"prediction_shift": "prediction", "error_shift": "error"}.get(kind, "feature")


def finding(row: TableRow) -> str:
    """A sentence on a row of judged results."""
    where = "everywhere" if row.segment_type == "all" else f"in {row.segment_type} {row.segment}"
    change, value = math.exp(row.value) - 1 if row.value < 20 else 0.0, row.value
    if row.alert_state == "alert" and not row.is_drifted:
        return f"{row.kind} of {row.feature} {where}: back within its threshold, alert closes after two weeks"
    texts = {
        "price_shift": f"shelf prices of the same goods moved by {change:+.1%} {where}",
        "discount_shift": f"discount rate moved by {value * 100:+.1f} points {where}",
        "mix_shift": f"mix of {_PLURAL.get(row.feature)} changed{_where_not(row, where)}: {row.words}",
        "renamed_code": f"{row.feature} renamed: {row.words}",
        "new_code": f"new {row.feature}: {row.words}",
        "lost_code": f"{row.feature} no longer sold: {row.words}",
        "distribution_shift": f"feature {row.words} {where}",
        "prediction_shift": f"forecasts changed {where}: {row.words}",
        "error_shift": f"{row.words} {where}, {value * 100:+.1f} points against the weeks before",
        "volume_shift": f"{row.feature} moved by {change:+.0%} {where}",
    }
    return _lost(row, where, change) if row.kind == "lost_feed" else texts[row.kind]


def _where_not(row: TableRow, where: str) -> str:
    """A single category is named by its own words already."""
    return "" if row.segment_type == "category" else f" {where}"


def _lost(row: TableRow, where: str, change: float) -> str:
    if row.feature == "days_with_sales":
        return f"feed of sales lost {where}: no sales on {-row.value:.0%} of the trading days"
    if row.feature == "net_sales":
        return f"feed of net sales lost {where}: {-row.value:.1%} more lines without money than usual"
    name = row.feature.replace("_", " ")
    return f"feed of {name} lost {where}: {change:+.0%} against the reference weeks"
