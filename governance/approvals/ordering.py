"""In which order a reader sees recommendations: by money if they see money, else by the day to act."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_

from governance.approvals.recommendation import Recommendation
from governance.store.schema import recommendations

_NO_MONEY = -1e308  # below every amount
_NO_DAY = dt.date(9999, 12, 31)  # after every day


@dataclass(frozen=True)
class Order:
    """One order of the list, its ties broken by id.

    `by` is for SQL, `key` a row's place as JSON-ready values of `types`, `after` the condition on the rows
    that follow such a place.
    """

    name: str
    by: tuple[ColumnElement[Any], ...]
    types: tuple[type | tuple[type, ...], ...]
    key: Callable[[Recommendation], list[float | str]]
    after: Callable[[Sequence[Any]], ColumnElement[bool]]


def order_for(*, shows_money: bool) -> Order:
    """The most money first (expected margin, else what is at stake), NULLs last; else the day to act.

    An order by money would tell of two rows which has more of it.
    """
    return _BY_MONEY if shows_money else _BY_DAY


_id = recommendations.c.recommendation_id
_worth: ColumnElement[float] = func.coalesce(
    recommendations.c.expected_margin, recommendations.c.at_stake, _NO_MONEY
)
_day: ColumnElement[dt.date] = func.coalesce(recommendations.c.order_by, _NO_DAY)


def _money_key(row: Recommendation) -> list[float | str]:
    amounts = (row.expected_margin, row.at_stake, _NO_MONEY)
    return [next(money for money in amounts if money is not None), row.recommendation_id]


def _after_money(place: Sequence[Any]) -> ColumnElement[bool]:
    money, key = place
    return or_(_worth < money, and_(_worth == money, _id > key))


def _day_key(row: Recommendation) -> list[float | str]:
    return [(row.order_by or _NO_DAY).isoformat(), row.recommendation_id]


def _after_day(place: Sequence[Any]) -> ColumnElement[bool]:
    day, key = dt.date.fromisoformat(place[0]), place[1]
    return or_(_day > day, and_(_day == day, _id > key))


_BY_MONEY = Order("money", (_worth.desc(), _id), ((int, float), str), _money_key, _after_money)
_BY_DAY = Order("day", (_day, _id), (str, str), _day_key, _after_day)
