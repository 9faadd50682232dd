"""Names that the store's rows had when they were written, for columns and keys that were renamed since.

What was sealed was sealed under the first names: digests are made of those, so that a renamed column changes
none. JSON that was written before keeps its first keys in the store and is read under the present ones.
"""

from __future__ import annotations

import re
from typing import Any

import orjson
from sqlalchemy.engine import Dialect

from governance.store.types import JsonText

FIRST_NAMES = {
    "expected_margin": "expected_margin_usd",
    "expected_cash": "expected_cash_usd",
    "at_stake": "at_stake_usd",
}
"""By present column name of `recommendations`. A name stands here for good: old rows stay verifiable."""

_FIRST_KEY = re.compile(r'"(\w+)_usd":')
_OTHERWISE = {"return_per": "return_on_spend", "shadow_price_per": "shadow_price"}


class PresentJson(JsonText):
    """`JsonText`, read under the present keys: in 0.1 the amounts of details had a currency in their names.

    The bytes in the store stay as they were sealed.
    """

    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        if value is not None and '_usd":' in value:
            value = _FIRST_KEY.sub(lambda key: f'"{_OTHERWISE.get(key[1], key[1])}":', value)
        return None if value is None else orjson.loads(value)
