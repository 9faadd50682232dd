"""A tile without a value is empty: Superset's tiles would show nothing as 0.

The answer of a tile whose metric has no value in its period becomes an answer without rows, for which the
page draws an empty tile; the dashboard's style says there until when data go.
"""

from __future__ import annotations

import json
from typing import Any

from flask import Flask, Response, request

_ANSWERS = "/api/v1/chart/data"
_TILES = frozenset({"pop_kpi", "big_number_total"})


def leave_tiles_empty(app: Flask) -> None:
    """After each answer for a tile: no rows if its metric has no value."""

    @app.after_request
    def _without_nothing(response: Response) -> Response:
        if request.path != _ANSWERS or response.status_code != 200 or not response.is_json:
            return response
        asked = request.get_json(silent=True) or {}
        form = asked.get("form_data") or {}
        if form.get("viz_type") in _TILES:
            answer = json.loads(response.get_data())
            if empty_where_nothing(answer, metric_of(form)):
                response.set_data(json.dumps(answer))
        return response


def metric_of(form: dict[str, Any]) -> str:
    """The column that holds the tile's number."""
    metric = form.get("metric")
    return str(metric.get("label", "")) if isinstance(metric, dict) else str(metric or "")


def empty_where_nothing(answer: dict[str, Any], metric: str) -> bool:
    """Takes the rows of results whose number is NULL; whether there was one."""
    changed = False
    for result in answer.get("result") or ():
        rows = result.get("data")
        if isinstance(rows, list) and rows and all(row.get(metric) is None for row in rows):
            result["data"], result["rowcount"] = [], 0
            changed = True
    return changed
