"""SQL expressions of definitions, parsed once and bound to a table alias; names quoted where needed."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from ..errors import ManifestError

SAFE_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_RESERVED = """
all and any as asc between by case cast check column create cross current_date default desc distinct
do else end except exists false fetch for foreign from full grant group having in inner intersect
into is join key leading left like limit natural not null of offset on only or order outer primary
references right select session_user set some table then to trailing true union unique user using
values view when where window with week day month year quarter hour minute second rows row at
"""
RESERVED = frozenset(_RESERVED.split())


def _needs_quotes(name: str) -> bool:
    return SAFE_NAME.fullmatch(name) is None or name in RESERVED


@lru_cache(maxsize=8192)
def _identifier(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=_needs_quotes(name))


def ident(name: str) -> exp.Identifier:
    """An identifier, quoted where it has to be."""
    return _identifier(name).copy()


def column(alias: str, name: str) -> exp.Column:
    """`alias.name`."""
    return exp.Column(this=ident(name), table=ident(alias))


def without_positions(tree: exp.Expr) -> exp.Expr:
    """The tree without where in its text each name stood: copies of it are made far faster."""
    for node in tree.walk():
        node._meta = None
    return tree


def named_table(relation: str) -> exp.Table:
    """A table by the name that the manifest gives it."""
    return _named_table(relation).copy()


@lru_cache(maxsize=8192)
def _named_table(relation: str) -> exp.Table:
    table = exp.to_table(relation, dialect="duckdb")
    without_positions(table)
    return table


@lru_cache(maxsize=8192)
def _parsed(text: str, dialect: str) -> exp.Expr:
    try:
        return without_positions(sqlglot.parse_one(text, dialect=dialect))
    except (SqlglotError, RecursionError) as error:
        raise ManifestError(f"The expression {text!r:.200} of the manifest is not valid SQL.") from error


def bind(text: str, alias: str, dialect: str = "duckdb") -> exp.Expr:
    """An expression of a definition over the columns of `alias`."""
    tree = _parsed(text, dialect)
    if isinstance(tree, exp.Column):
        if tree.table:
            return tree.copy()
        return exp.Column(this=tree.this.copy(), table=exp.to_identifier(alias, quoted=_needs_quotes(alias)))
    tree = tree.copy()
    for column in tree.find_all(exp.Column):
        if not column.table:
            column.set("table", exp.to_identifier(alias, quoted=_needs_quotes(alias)))
    return tree


def rename(text: str, replace: Callable[[str], exp.Expr | None], dialect: str = "duckdb") -> exp.Expr:
    """An expression whose bare names are replaced (a derived metric's expression over its inputs)."""

    def swap(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and not node.table:
            new = replace(node.name)
            if new is None:
                raise ManifestError(
                    f"The expression {text!r:.200} names {node.name}, which is no input of it."
                )
            return new
        return node

    return _parsed(text, dialect).copy().transform(swap, copy=False)
