"""What BI tools write otherwise, in the words that the rest of this package reads.

WITH q AS (SELECT …) SELECT a FROM q        →  SELECT a FROM (SELECT …) AS q
… FETCH FIRST 5 ROWS ONLY                   →  … LIMIT 5
TO_CHAR(metric_time, 'YYYY-MM')             →  STRFTIME(metric_time, '%Y-%m')
DATEADD(day, -7, metric_time)               →  metric_time + INTERVAL (-7) DAY
… GROUP BY 1 HAVING COUNT(1) > 0            →  … GROUP BY 1
MEASURE(net_sales) AS s … HAVING s > 0      →  … HAVING MEASURE(net_sales) > 0
"""

from __future__ import annotations

from sqlglot import exp

from ..errors import UnsupportedError
from ..query.request import METRIC_TIME
from ..query.time_arithmetic import plain_time_arithmetic
from .reading import TABLE, measures
from .time_formats import plain_time_format


def rewritten(select: exp.Select) -> exp.Select:
    """The same question, without what only spells it differently. Raises UnsupportedError naming the rest."""
    select = _without_with(select)
    for part in list(select.find_all(exp.Select)):
        _fetch_as_limit(part)
        if _reads_metrics(part):
            _having_of_groups(part)
    select.transform(plain_time_format, copy=False)
    plain_time_arithmetic(select)
    return select


def _without_with(select: exp.Select) -> exp.Select:
    """One query named by WITH, and read, is a subquery."""
    named = select.args.get("with_")
    if named is None:
        return select
    source = _source(select)
    if named.args.get("recursive") or len(named.expressions) != 1 or not isinstance(source, exp.Table):
        raise UnsupportedError(
            "WITH is understood for one query, read by the SELECT after it.",
            hint="Write SELECT … FROM (SELECT … FROM metrics …) AS name.",
        )
    inner = named.expressions[0]
    if inner.alias.lower() != source.name.lower() or inner.args["alias"].columns:
        raise UnsupportedError(
            f"The query that WITH names {inner.alias:.60} is not what the SELECT reads.",
            hint=f"Write SELECT … FROM {inner.alias:.60}.",
        )
    alias = exp.TableAlias(this=exp.to_identifier(source.alias or inner.alias, quoted=True))
    source.replace(exp.Subquery(this=inner.this, alias=alias))
    select.set("with_", None)
    return select


def _source(select: exp.Select) -> exp.Expr | None:
    clause = select.args.get("from_") or select.args.get("from")
    return clause.this if clause is not None else None


def _reads_metrics(select: exp.Select) -> bool:
    source = _source(select)
    return isinstance(source, exp.Table) and source.name.lower() == TABLE


def _fetch_as_limit(select: exp.Select) -> None:
    fetch = select.args.get("limit")
    if not isinstance(fetch, exp.Fetch):
        return
    options = fetch.args.get("limit_options")
    if options is not None and (options.args.get("percent") or options.args.get("with_ties")):
        raise UnsupportedError("FETCH takes a number of rows.", hint="Write FETCH FIRST 10 ROWS ONLY.")
    select.set("limit", exp.Limit(expression=fetch.args.get("count") or exp.Literal.number(1)))


def _having_of_groups(select: exp.Select) -> None:
    """Aliases in HAVING as their expressions; that a group has rows is true of every group."""
    having = select.args.get("having")
    if having is None:
        return
    aliases = {
        e.alias.lower(): e.this
        for e in select.expressions
        if isinstance(e, exp.Alias) and (measures(e) or not _is_name_of_metrics(e.alias))
    }

    def swap(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and not node.table and node.name.lower() in aliases:
            is_measured = isinstance(node.parent, exp.Anonymous)  # MEASURE(net_sales) names the metric
            return node if is_measured else exp.paren(aliases[node.name.lower()], copy=True)
        return exp.true() if _has_rows(node) else node

    condition = having.this.copy().transform(swap, copy=False)
    if isinstance(condition, exp.Boolean) and condition.this:
        select.set("having", None)
    else:
        having.set("this", condition)


def _is_name_of_metrics(name: str) -> bool:
    """Whether a name may be a column of `metrics`, which an alias does not hide."""
    return "__" in name or name.lower() == METRIC_TIME


def _has_rows(node: exp.Expr) -> bool:
    if not isinstance(node, (exp.GT, exp.GTE)) or not isinstance(node.this, exp.Count):
        return False
    counted, least = node.this.this, node.expression
    every_row = isinstance(counted, (exp.Star, exp.Literal))
    return (
        every_row and isinstance(least, exp.Literal) and least.name == ("0" if type(node) is exp.GT else "1")
    )
