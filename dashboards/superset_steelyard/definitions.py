"""Metrics and dimensions as Superset keeps them: label, text, format by unit, certification."""

from __future__ import annotations

from .json_types import Dimension, Json, Metric

# d3 formats. Rates are shares between 0 and 1 everywhere; people read them as per cent.
_FORMATS = {
    "currency": "$,.0f",
    "currency_days": "$,.0f",
    "percent": ".1%",
    "count": ",d",
    "units": ",d",
    "days": ",.1f",
    "hours": ",.1f",
    "times": ",.2f",
    "ratio": ",.2f",
}
_FINE = {  # a few dollars or units: what comes after the point counts
    "average_basket_value": "$,.2f",
    "customer_lifetime_value": "$,.2f",
    "forecast_pinball": ",.2f",
}
SIMULATED = "simulated ledger"


def d3_format(metric: Metric) -> str:
    """How a metric is written, by its unit."""
    return _FINE.get(metric["name"]) or _FORMATS.get(str(metric.get("unit", "")), ",.2f")


def expression(name: str) -> str:
    """A metric in semantic SQL."""
    return f"MEASURE({name})"


def description(metric: Metric) -> str:
    """The definition in words, and on what it rests."""
    text = str(metric.get("description") or metric["name"])
    return f"{text} ({SIMULATED})" if metric.get("is_simulated") else text


def extra(metric: Metric) -> Json:
    """Superset's `extra`: the certification, with the owner; a warning if a number is provisional."""
    state = str(metric.get("certification") or "")
    owner = str(metric.get("owner") or "the analytics team")
    if state == "certified":
        return {"certification": {"certified_by": owner, "details": f"{description(metric)}"}}
    if state == "provisional":
        return {"warning_markdown": f"Provisional: ask {owner} before you decide on it."}
    return {}


def metric_fields(metric: Metric) -> Json:
    """A dataset's metric."""
    return {
        "metric_name": metric["name"],
        "verbose_name": metric.get("label") or metric["name"],
        "metric_type": "measure",
        "expression": expression(metric["name"]),
        "description": description(metric),
        "d3format": d3_format(metric),
        "extra": extra(metric),
        "warning_text": None,
    }


def dimension_fields(dimension: Dimension) -> Json:
    """A dataset's column. Time dimensions take a time grain."""
    name = str(dimension["name"])
    kind = str(dimension.get("type") or "categorical")
    is_time = kind == "time"
    sql_type = {"time": "TIMESTAMP", "boolean": "BOOLEAN", "number": "DOUBLE"}.get(kind, "VARCHAR")
    return {
        "column_name": name,
        "verbose_name": dimension.get("label") or label_of(name),
        "is_dttm": is_time,
        "is_active": True,
        "type": sql_type,
        "groupby": kind == "categorical" or name == "metric_time",  # what drilling offers
        "filterable": True,
        "expression": None,
        "description": dimension.get("description") or None,
        "python_date_format": None,
    }


def label_of(name: str) -> str:
    """`product__department` as people say it: Product · department."""
    parts = [part.replace("_", " ") for part in name.split("__")]
    return " · ".join([parts[0].capitalize(), *parts[1:]])
