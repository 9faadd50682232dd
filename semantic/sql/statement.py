"""One SELECT, from `metrics` or from a subquery over it; every other statement and clause is refused."""

from __future__ import annotations

import itertools

import sqlglot
from sqlglot import TokenType, exp
from sqlglot.errors import SqlglotError

from ..errors import InvalidQueryError, UnsupportedError
from ..query.parse import QueryParser
from ..query.parsed import ParsedQuery
from ..query.scalar import balanced, check_depth
from .around import around
from .core import core
from .reading import TABLE
from .rewrite import rewritten

LONGEST_SQL = 100_000


def statement(sql: str, parser: QueryParser) -> exp.Select:
    """The one SELECT that the text holds. Raises InvalidQueryError or UnsupportedError."""
    if not isinstance(sql, str) or not sql.strip() or len(sql) > LONGEST_SQL:
        raise InvalidQueryError("The SQL must be one SELECT of reasonable length.")
    try:
        parsed = sqlglot.parse(_alone(parser.at_day(sql)), dialect="duckdb")
    except (SqlglotError, RecursionError, TypeError, ValueError, AttributeError) as error:
        raise InvalidQueryError("The SQL cannot be parsed.", hint="Write SELECT … FROM metrics.") from error
    statements = [s for s in parsed if s is not None and not isinstance(s, exp.Semicolon)]
    check_depth(statements)
    if len(statements) != 1 or not isinstance(statements[0], exp.Select):
        raise UnsupportedError("Only one SELECT is understood.", hint="Write SELECT … FROM metrics.")
    select = rewritten(statements[0])
    balanced(select)
    return select


def _alone(sql: str) -> str:
    """The text without semicolons that end a subquery, as some tools leave when they wrap a statement."""
    tokens = sqlglot.tokenize(sql, dialect="duckdb")
    ends = [
        token.start
        for token, after in itertools.pairwise(tokens)
        if token.token_type == TokenType.SEMICOLON and after.token_type == TokenType.R_PAREN
    ]
    return "".join(" " if at in ends else character for at, character in enumerate(sql)) if ends else sql


def query(parser: QueryParser, select: exp.Select) -> ParsedQuery:
    """One SELECT as a parsed query. Raises UnsupportedError with what to write."""
    refuse(select)
    clause = select.args.get("from_") or select.args.get("from")
    if clause is None:
        raise UnsupportedError("The SELECT reads from nothing.", hint="Add FROM metrics.")
    source = clause.this
    if isinstance(source, exp.Subquery) and isinstance(source.this, exp.Select):
        if any(v for k, v in source.args.items() if k not in ("this", "alias")):
            raise UnsupportedError(
                "Only a plain subquery can be read.", hint="Write FROM (SELECT …) AS name."
            )
        return around(query(parser, source.this), select, source)
    plain = isinstance(source, exp.Table) and not any(
        v for k, v in source.args.items() if k not in TABLE_PARTS
    )
    if not plain or source.name.lower() != TABLE:
        raise UnsupportedError(f"{source.sql()[:80]} cannot be read.", hint="Write FROM metrics.")
    return core(parser, select)


CLAUSES = frozenset(
    {"expressions", "from_", "where", "group", "having", "order", "limit", "offset", "distinct"}
)
TABLE_PARTS = frozenset({"this", "db", "catalog", "alias"})


def refuse(select: exp.Select) -> None:
    """Raises UnsupportedError for every clause that is not understood."""
    for key, value in select.args.items():
        if value and key not in CLAUSES:
            name = "JOIN" if key == "joins" else key.rstrip("_").upper()
            raise UnsupportedError(
                f"{name} is not understood.",
                hint="Metrics join their dimensions themselves: SELECT … FROM metrics.",
            )
    where = select.args.get("where")
    if where is not None and where.find(exp.Query):
        raise UnsupportedError("A query within WHERE is not understood.", hint="Write the values.")
    distinct, group = select.args.get("distinct"), select.args.get("group")
    if distinct is not None and distinct.args.get("on"):
        raise UnsupportedError("DISTINCT ON is not understood.", hint="Use GROUP BY.")
    several = (exp.Rollup, exp.Cube, exp.GroupingSets)
    if group is not None and (
        any(v for k, v in group.args.items() if k not in ("expressions", "all")) or group.find(*several)
    ):
        raise UnsupportedError(
            "ROLLUP, CUBE and GROUPING SETS are not understood.", hint="Ask for each level."
        )
