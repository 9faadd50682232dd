"""Today, in SQL, is the as-of day: a release that never changes gives one answer whenever it is asked.

metric_time >= CURRENT_DATE - INTERVAL 7 DAY  →  metric_time >= DATE '2017-12-31' - INTERVAL 7 DAY
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

import sqlglot
from sqlglot import Token, TokenType
from sqlglot.errors import SqlglotError

_DAYS = frozenset({"current_date", "today", "curdate"})
_INSTANTS = frozenset(
    {
        "now", "getdate", "current_timestamp", "current_datetime", "localtimestamp", "sysdatetime",
        "current_localtimestamp", "get_current_timestamp", "transaction_timestamp", "statement_timestamp",
    }
)  # fmt: skip
_BARE = frozenset({"current_date", "current_timestamp", "current_datetime", "localtimestamp"})
"""Those that are written without parentheses, too."""
_MENTION = re.compile("|".join(sorted(_DAYS | _INSTANTS)), re.I)


def says_today(text: str) -> bool:
    """Whether SQL asks for today or now."""
    return bool(_mentions(text))


def at_day(text: str, day: dt.date) -> str:
    """SQL in which today and now are a day, and its first instant.

    >>> print(at_day("d >= current_date - 7 AND t < now() AND label <> 'today()'", dt.date(2017, 12, 31)))
    d >= DATE '2017-12-31' - 7 AND t < TIMESTAMP '2017-12-31 00:00:00' AND label <> 'today()'
    """
    for start, end, name in reversed(_mentions(text)):
        literal = f"DATE '{day}'" if name in _DAYS else f"TIMESTAMP '{day} 00:00:00'"
        text = f"{text[:start]}{literal}{text[end:]}"
    return text


def _mentions(text: str) -> list[tuple[int, int, str]]:
    """Where today or now is said, from the start to the end in the text, and by which name."""
    if not _MENTION.search(text):
        return []
    try:
        tokens = sqlglot.tokenize(text, dialect="duckdb")
    except SqlglotError:
        return []  # the parser refuses it in words
    mentions = []
    for at, token in enumerate(tokens):
        name = token.text.lower()
        if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER) or _follows_dot(tokens, at):
            continue
        end = _call_end(tokens, at)
        if end is not None and name in _DAYS | _INSTANTS:
            mentions.append((token.start, tokens[end].end + 1, name))
        elif end is None and name in _BARE and not _opens(tokens, at + 1):
            mentions.append((token.start, token.end + 1, name))
    return mentions


def _follows_dot(tokens: Sequence[Token], at: int) -> bool:
    return at > 0 and tokens[at - 1].token_type == TokenType.DOT


def _opens(tokens: Sequence[Token], at: int) -> bool:
    return at < len(tokens) and tokens[at].token_type == TokenType.L_PAREN


def _call_end(tokens: Sequence[Token], at: int) -> int | None:
    """Where `()`, or `(3)` with a precision, after a name closes; None if it calls nothing like that."""
    if not _opens(tokens, at + 1):
        return None
    inside = at + 2
    if inside < len(tokens) and tokens[inside].token_type == TokenType.NUMBER:
        inside += 1
    return inside if inside < len(tokens) and tokens[inside].token_type == TokenType.R_PAREN else None
