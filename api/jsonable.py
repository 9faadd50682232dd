"""Values of DuckDB and the ops store as JSON: the same text from REST and command line."""

from __future__ import annotations

import datetime
import decimal
import json
import math
from typing import Any


def json_document(body: Any) -> str:
    """JSON with dates in ISO 8601, decimals as numbers and NaN or infinity as null."""
    try:
        return json.dumps(body, default=_plain, allow_nan=False)
    except ValueError:  # something is not finite: rare, and the walk through everything is dear
        return json.dumps(_finite(body), default=_plain, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, decimal.Decimal):
        return float(value) if value.is_finite() else None
    if isinstance(value, datetime.date | datetime.datetime | datetime.time):
        return value.isoformat()
    return str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list | tuple) else value
