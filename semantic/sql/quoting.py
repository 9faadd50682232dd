"""Names and text as DuckDB's SQL writes them: the one place that quotes by hand.

Queries over metrics are syntax trees, which sqlglot writes. What is left are statements about files and
tables (COPY, ATTACH, read_parquet, SET), which take no parameters and carry paths that a user chose.
"""

from __future__ import annotations


def identifier(name: str) -> str:
    """A name as a quoted identifier.

    >>> print(identifier('the "best" sellers'))
    "the ""best"" sellers"
    """
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """Text, or a path, as a string literal.

    >>> print(literal("it's here"))
    'it''s here'
    """
    return "'" + str(value).replace("'", "''") + "'"
