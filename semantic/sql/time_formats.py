"""Formats of times as other engines write them, as DuckDB's STRFTIME does.

TO_CHAR(metric_time, 'Mon YYYY')      →  STRFTIME(metric_time, '%b %Y')
FORMAT_DATE('%Y-%m', metric_time)     →  STRFTIME(metric_time, '%Y-%m')
"""

from __future__ import annotations

import re

from sqlglot import exp

from ..errors import UnsupportedError

_PARTS = {
    "YYYY": "%Y", "YY": "%y", "MM": "%m", "DD": "%d", "DDD": "%j", "HH24": "%H", "HH12": "%I", "HH": "%I",
    "MI": "%M", "SS": "%S", "MON": "%b", "DY": "%a", "IYYY": "%G", "IW": "%V", "FMMONTH": "%B", "FMDAY": "%A",
}  # fmt: skip
_CASED = frozenset({"MON", "DY", "FMMONTH", "FMDAY"})
"""Those that are written as their case says: only `Mon` is what %b gives."""
_TOKEN = re.compile(rf'({"|".join(sorted(_PARTS, key=len, reverse=True))})|"([^"]*)"|([^A-Za-z"]+)', re.I)
_PLAIN_CODE = re.compile(r"%[YymdHMSjbBaAFGVu%]|[^%]")
_HINT = "STRFTIME takes %Y, %m, %d, %H, %b and so on; EXTRACT(QUARTER FROM …) gives a quarter."


def plain_time_format(node: exp.Expr) -> exp.Expr:
    """TO_CHAR or FORMAT_DATE as STRFTIME. Raises UnsupportedError for a format that is not known."""
    if isinstance(node, exp.ToChar):
        return exp.TimeToStr(this=node.this, format=exp.Literal.string(_of_to_char(node.args.get("format"))))
    if isinstance(node, exp.Anonymous) and node.name.lower() in ("format_date", "format_timestamp"):
        if len(node.expressions) == 2 and _is_text(node.expressions[0]):
            pattern, time = node.expressions
            if "".join(_PLAIN_CODE.findall(pattern.name)) == pattern.name:
                return exp.TimeToStr(this=time, format=pattern.copy())
        raise UnsupportedError(f"The format of {node.sql('duckdb'):.120} is not understood.", hint=_HINT)
    return node


def _is_text(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Literal) and node.is_string


def _of_to_char(pattern: exp.Expr | None) -> str:
    if pattern is None or not _is_text(pattern):
        raise UnsupportedError(
            "TO_CHAR takes a format in quotes.", hint="Write TO_CHAR(metric_time, 'YYYY-MM')."
        )
    written, at = [], 0
    for token in _TOKEN.finditer(pattern.name):
        part, quoted, other = token.groups()
        if token.start() != at or (part and part.upper() in _CASED and not _is_capitalised(part)):
            break
        at = token.end()
        written.append(_PARTS[part.upper()] if part else (quoted or other or "").replace("%", "%%"))
    if at != len(pattern.name):
        raise UnsupportedError(
            f"TO_CHAR does not understand {pattern.name[at : at + 20]!r} of the format {pattern.name!r:.60}.",
            hint=_HINT,
        )
    return "".join(written)


def _is_capitalised(part: str) -> bool:
    name = part.removeprefix("FM")
    return name == name.capitalize()
