"""Keyset pagination: a page is found by the last row seen, so that inserts never shift it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from governance.errors import InvalidCursorError

Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows and, if more follow, the cursor that asks for them."""

    items: tuple[Row, ...]
    next_cursor: str | None


def encode_cursor(key: Sequence[object]) -> str:
    """The sort key of the last row, opaque to callers."""
    return base64.urlsafe_b64encode(json.dumps(list(key)).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, types: Sequence[type | tuple[type, ...]]) -> list[Any]:
    """The sort key again. Raises InvalidCursorError on anything that `encode_cursor` did not make."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, UnicodeError) as error:
        raise InvalidCursorError("The cursor was not issued by this service.") from error
    good = isinstance(key, list) and len(key) == len(types)
    if not good or any(not isinstance(part, kind) for part, kind in zip(key, types, strict=True)):
        raise InvalidCursorError("The cursor was not issued by this service.")
    return list(key)
