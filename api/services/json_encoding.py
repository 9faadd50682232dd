"""Values of DuckDB and the ops store as JSON: the same text from REST and command line."""

from __future__ import annotations

import decimal
import json

import orjson

EXACT_DIGITS = 15
"""Decimal digits that a double keeps, whatever they are."""


def json_document(body: object) -> str:
    """JSON with dates in ISO 8601, decimals as numbers of all their digits, NaN and infinity as null."""
    try:
        return orjson.dumps(body, default=_plain).decode()
    except TypeError:  # an integer beyond 64 bits, a key that is not text, half a character: rare and slow
        return _text(body)


def _plain(value: object) -> object:
    if not isinstance(value, decimal.Decimal):
        return str(value)
    if value.is_finite() and len(value.as_tuple().digits) > EXACT_DIGITS:
        return orjson.Fragment(format(value, "f"))
    return float(value)


def _text(value: object) -> str:
    """The same document from parts, for what orjson cannot write."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(str(key))}:{_text(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return json.dumps(value)
    return orjson.dumps(value, default=_plain).decode()
