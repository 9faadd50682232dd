"""Values of DuckDB and the ops store as JSON: the same text from REST and command line."""

from __future__ import annotations

import decimal
import json
from typing import Any

import orjson


def json_document(body: Any) -> str:
    """JSON with dates in ISO 8601, decimals as numbers and NaN or infinity as null."""
    try:
        return orjson.dumps(body, default=_plain).decode()
    except TypeError:  # an integer beyond 64 bits, a key that is not text, half a character: rare and slow
        return json.dumps(_encodable(body), allow_nan=False)


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, decimal.Decimal) else str(value)


def _encodable(value: Any) -> Any:
    """The same document from what the standard library can write."""
    if isinstance(value, dict):
        return {str(key): _encodable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(part) for part in value]
    if isinstance(value, str | int):
        return value
    return orjson.loads(orjson.dumps(value, default=_plain))
