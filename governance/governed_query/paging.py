"""Pages of a metric query: a sealed cursor says which rows of which release come next.

A release never changes and rows are in one order, by what was asked for and then by the groups themselves,
so pages are complete and hold no row twice. The cursor remembers the group that ended the page, and the next
page begins by meeting it again: if sums of floating point came out in another order, the cursor is refused.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import pyarrow as pa

from governance.errors import InvalidCursorError
from governance.governed_query.answer import GovernedAnswer
from governance.governed_query.governed import GovernedQueries
from governance.identity.principal import Principal
from governance.store.pages import CursorSeal
from semantic import MetricQuery


@dataclass(frozen=True)
class AnswerPage:
    """Some rows of an answer and, if more follow, the cursor that asks for them."""

    answer: GovernedAnswer
    next_cursor: str | None


def answer_page(
    queries: GovernedQueries,
    query: MetricQuery,
    reader: Principal | None,
    release_id: str | None,
    *,
    cursor: str | None,
    seal: CursorSeal,
) -> AnswerPage:
    """The rows after `cursor`, at most `query.limit`, of the release that the first page came from.

    Raises InvalidCursorError if the cursor was not issued to this reader for this query, and what
    `GovernedQueries.answer` raises.
    """
    if query.limit is None or query.limit == 0:
        if cursor is not None:
            raise InvalidCursorError("A cursor needs a limit.", hint="Say how many rows a page has.")
        return AnswerPage(queries.answer(query, reader, release_id), None)
    bound_to = _bound_to(query, reader)
    first, last_group, overlap = query.offset, "", 0
    if cursor is not None:
        of_release, first, last_group = seal.open(cursor, [str, int, str], bound_to)
        if release_id is not None and release_id != of_release:
            raise InvalidCursorError(
                "The cursor is of another release.", hint=f"Leave `release` out, or ask for {of_release}."
            )
        release_id, overlap = of_release, 1
    wanted = replace(query, offset=first - overlap, limit=query.limit + overlap + 1)
    answer = queries.answer(wanted, reader, release_id)
    if overlap and (answer.table.num_rows == 0 or _group(answer, 0) != last_group):
        raise InvalidCursorError(
            "The rows came in another order this time.",
            hint="Begin again, ordered by dimensions, or by metrics that are DECIMAL.",
        )
    rows = answer.table.slice(overlap, query.limit)
    page = replace(answer, table=rows)
    if answer.table.num_rows <= overlap + query.limit:
        return AnswerPage(page, None)
    key = [answer.release_id, first + query.limit, _group(page, rows.num_rows - 1)]
    return AnswerPage(page, seal.seal(key, bound_to))


def _bound_to(query: MetricQuery, reader: Principal | None) -> list[object]:
    """What a cursor holds for: the reader, and the query but for the size of its pages."""
    return ["query", reader.user if reader is not None else None, *replace(query, limit=None).key()]


def _group(answer: GovernedAnswer, row: int) -> str:
    """A digest of the dimensions of a row."""
    keys = [c.name for c in answer.compiled.columns if c.kind != "metric"]
    table: pa.Table = answer.table.slice(row, 1).select(keys)
    return hashlib.sha256(repr(table.to_pylist()).encode()).hexdigest()
