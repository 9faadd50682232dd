"""Steps of time as other engines write them, as the one form that the rest reads.

DATEADD(day, -7, d), DATE_ADD('day', -7, d), TIMESTAMPADD(DAY, -7, d)  →  d + INTERVAL (-7) DAY
DATE_SUB(d, INTERVAL 7 DAY)                                            →  d - INTERVAL '7' DAY
"""

from __future__ import annotations

from sqlglot import exp

from ..ast.grains import RANK

_ADDING = frozenset({"dateadd", "date_add", "timestampadd", "datetime_add", "timestamp_add"})
_SUBTRACTING = frozenset({"date_sub", "datetime_sub", "timestamp_sub"})


def plain_time_arithmetic(tree: exp.Expr) -> exp.Expr:
    """The expression with every step of time as an addition or subtraction of an interval."""
    return tree.transform(_plain, copy=False)


def _plain(node: exp.Expr) -> exp.Expr:
    match node:
        case exp.Anonymous() if node.name.lower() in _ADDING | _SUBTRACTING:
            arguments, is_added = node.expressions, node.name.lower() in _ADDING
            if len(arguments) == 3 and is_added:
                return _stepped(node, *arguments)
            if len(arguments) == 2 and isinstance(arguments[1], exp.Interval):
                step = exp.Add if is_added else exp.Sub
                return exp.paren(step(this=arguments[0], expression=arguments[1]), copy=False)
        case exp.DateAdd() if isinstance(node.args.get("unit"), exp.Expr) and _unit(node.this):
            return _stepped(node, node.this, node.expression, node.args["unit"])
    return node


def _stepped(node: exp.Expr, unit: exp.Expr, count: exp.Expr, time: exp.Expr) -> exp.Expr:
    """`time + INTERVAL count unit`; the node itself if the unit is none."""
    grain = _unit(unit)
    if not grain:
        return node
    if not isinstance(count, (exp.Literal, exp.Neg)):
        count = exp.paren(count, copy=False)
    step = exp.Interval(this=count, unit=exp.var(grain.upper()))
    return exp.paren(exp.Add(this=time, expression=step), copy=False)


def _unit(node: exp.Expr) -> str:
    """The unit that a name or a text is, "" for anything else."""
    grain = (
        node.name.lower().removesuffix("s") if isinstance(node, (exp.Column, exp.Literal, exp.Var)) else ""
    )
    return grain if grain in RANK else ""
