"""A query's text becomes a ParsedQuery: every name is read here, once, and nowhere else."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import lru_cache

from ..ast.as_of import at_day, says_today
from ..definitions.catalog import Catalog
from ..errors import InvalidQueryError
from .parsed import AnswerShape, ParsedQuery
from .predicates import parse_predicate
from .request import GroupByItem, MetricQuery, parse_item, parse_order
from .resolve import Resolver
from .used_names import NameCollector

SHORT = 200
"""Names up to this length are read once; longer ones, which nobody asks for twice, each time."""


class QueryParser:
    """Parses queries against one catalog, for whoever asks: it refuses what is malformed, never a name."""

    def __init__(self, catalog: Catalog, resolver: Resolver, as_of: dt.date | None = None) -> None:
        self.catalog = catalog
        self._names = NameCollector(catalog, resolver)
        self._custom = frozenset(catalog.custom_grains)
        self._as_of = as_of
        self._short_item = lru_cache(maxsize=4096)(self._parse_item)

    def parse(self, query: MetricQuery, shape: AnswerShape | None = None) -> ParsedQuery:
        """The query with its names. Raises InvalidQueryError if it is malformed."""
        check_request(query)
        query = self._with_saved(query)
        metrics = tuple(dict.fromkeys(name.strip().lower() for name in query.metrics))
        items = tuple(dict.fromkeys(map(self._item, query.group_by)))
        filters = tuple(parse_predicate(self.at_day(text), self._custom) for text in query.where)
        computed = tuple((name, parse_predicate(text, self._custom)) for name, text in query.computed)
        order = tuple(parse_order(text) for text in query.order_by)
        predicates = [*filters, *(predicate for _, predicate in computed)]
        return ParsedQuery(
            metrics=metrics,
            items=items,
            computed=computed,
            filters=filters,
            order=order,
            limit=query.limit,
            offset=query.offset,
            time_constraint=_constraint(query.time_constraint),
            min_max_only=query.min_max_only,
            apply_group_by=query.apply_group_by,
            whole_periods=query.whole_periods,
            saved_query=query.saved_query,
            used=self._names.query(metrics, items, predicates, [key.name for key in order]),
            shape=shape,
            written=query,
        )

    def at_day(self, text: str) -> str:
        """SQL with today and now as the as-of day. Raises InvalidQueryError if there is no such day."""
        if self._as_of is None:
            if says_today(text):
                raise InvalidQueryError(
                    f"{text!r:.120} asks for today, and there is no day as of which these data are.",
                    hint="Write the day itself: DATE '2017-12-31'.",
                )
            return text
        return at_day(text, self._as_of)

    def _item(self, text: str) -> GroupByItem:
        return self._short_item(text) if len(text) <= SHORT else self._parse_item(text)

    def _parse_item(self, text: str) -> GroupByItem:
        return parse_item(text, self._custom)

    def _with_saved(self, query: MetricQuery) -> MetricQuery:
        """The query with its saved query written out; as it is, if there is none of that name."""
        saved = self.catalog.saved_queries.get(query.saved_query or "")
        if saved is None:
            return query
        return replace(
            query,
            metrics=[*saved.metrics, *query.metrics],
            group_by=[*saved.group_by, *query.group_by],
            where=[*saved.where, *query.where],
            order_by=query.order_by or saved.order_by,
            limit=saved.limit if query.limit is None else query.limit,
        )


def check_request(query: MetricQuery) -> None:
    """Raises InvalidQueryError if a query is malformed before any name is looked at."""
    for name in ("metrics", "group_by", "where", "order_by"):
        value = getattr(query, name)
        if isinstance(value, str) or not all(isinstance(v, str) for v in value):
            raise InvalidQueryError(f"{name} must be a list of strings.")
    limit = query.limit
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
        raise InvalidQueryError(f"The limit must be a whole number of rows, not {limit!r:.80}.")
    offset = query.offset
    if not isinstance(offset, int) or isinstance(offset, bool) or offset < 0:
        raise InvalidQueryError(f"The offset must be a whole number of rows, not {offset!r:.80}.")
    if query.min_max_only and query.metrics:
        raise InvalidQueryError("min_max_only is for a dimension without metrics.")
    if not query.apply_group_by and query.metrics:
        raise InvalidQueryError("apply_group_by=False is for dimensions without metrics.")
    if query.saved_query is not None and not isinstance(query.saved_query, str):
        raise InvalidQueryError(f"A saved query is named by a string, not {query.saved_query!r:.80}.")


def _constraint(constraint: object) -> tuple[str | None, ...] | None:
    if constraint is None:
        return None
    if not isinstance(constraint, (tuple, list)):
        raise InvalidQueryError(f"The time constraint {constraint!r:.120} is not a pair.")
    return tuple(None if value is None else str(value) for value in constraint)
