"""Keyset pagination: a page is found by the last row seen, so that inserts never shift it.

A cursor holds the sort key of that row, encrypted and authenticated: it tells nothing, cannot be made up, and
holds only for the reader, the list, the filters and the order that it was issued for.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from governance.errors import InvalidCursorError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

Row = TypeVar("Row")
_HINT = "Pass the `next_cursor` of your own last page, with the same filters; or begin again without one."


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows and, if more follow, the cursor that asks for them."""

    items: tuple[Row, ...]
    next_cursor: str | None


class CursorSeal:
    """Seals cursors (AES-SIV, RFC 5297: equal keys give equal cursors, so answers can be compared).

    Without a secret one is drawn: its cursors hold as long as the process.
    """

    def __init__(self, secret: str = "") -> None:
        drawn = secret or secrets.token_urlsafe(32)
        self._key = hashlib.sha512(b"steelyard cursors:" + drawn.encode()).digest()

    @cached_property
    def _cipher(self) -> AESSIV:
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        return AESSIV(self._key)

    def seal(self, key: Sequence[object], bound_to: Sequence[object]) -> str:
        """The sort key of the last row as a cursor that holds only for `bound_to`."""
        token = self._cipher.encrypt(json.dumps(list(key)).encode(), [_bound(bound_to)])
        return base64.urlsafe_b64encode(token).decode().rstrip("=")

    def open(
        self, cursor: str, types: Sequence[type | tuple[type, ...]], bound_to: Sequence[object]
    ) -> list[Any]:
        """The sort key again. Raises InvalidCursorError on what `seal` did not make for `bound_to`."""
        from cryptography.exceptions import InvalidTag

        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            token = base64.b64decode(padded, altchars=b"-_", validate=True)
            key = json.loads(self._cipher.decrypt(token, [_bound(bound_to)]))
        except (InvalidTag, ValueError) as error:
            raise InvalidCursorError("The cursor was not issued for this list.", hint=_HINT) from error
        good = isinstance(key, list) and len(key) == len(types)
        if not good or any(not isinstance(part, kind) for part, kind in zip(key, types, strict=True)):
            raise InvalidCursorError("The cursor was not issued for this list.", hint=_HINT)
        return list(key)


def _bound(to: Sequence[object]) -> bytes:
    return json.dumps(list(to), sort_keys=True, default=str).encode()
