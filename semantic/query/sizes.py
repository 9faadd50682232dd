"""How much one call of a function may take: known before anything runs, whatever the rows hold.

LPAD(x, 10000000) or a REPLACE within a REPLACE makes a text of any size out of a short one, an edit distance
takes the product of two lengths, and a pattern may be tried at every place of a text.
"""

from __future__ import annotations

from sqlglot import exp

LONGEST_VALUE = 1_000
"""Characters that a value of the data is counted with."""
LONGEST_TEXT = 50_000
LONGEST_PATTERN = 200
MOST_WILDCARDS = 8
MOST_COMPARED = 4_000_000
"""Characters of one text times those of the other, in an edit distance."""
OTHER = 64
"""Characters of a number, a truth or a time as text."""

_JOINED = (exp.Concat, exp.ConcatWs, exp.DPipe, exp.Case, exp.If, exp.Coalesce, exp.Array)
_SAME = (
    exp.Lower, exp.Upper, exp.Initcap, exp.Trim, exp.Substring, exp.Left, exp.Right, exp.Reverse,
    exp.SplitPart, exp.Split, exp.RegexpExtract, exp.Cast, exp.TryCast, exp.Paren, exp.Nullif,
    exp.Greatest, exp.Least,
)  # fmt: skip
_PATTERNS = (exp.RegexpLike, exp.RegexpILike, exp.RegexpReplace, exp.RegexpExtract)


def too_much(condition: exp.Expr) -> str:
    """The first call that may take too much, in words; empty if none does."""
    for node in condition.walk():
        reason = _reason(node)
        if reason:
            return reason
    return ""


def _reason(node: exp.Expr) -> str:  # noqa: PLR0911 - one case a function
    match node:
        case exp.Pad():
            if not (isinstance(node.expression, exp.Literal) and _number(node.expression) <= LONGEST_VALUE):
                return f"pads to a length that is not a number up to {LONGEST_VALUE:,}"
        case exp.Levenshtein():
            if _size(node.this) * _size(node.expression) > MOST_COMPARED:
                return "compares texts that are too long letter by letter"
        case _ if isinstance(node, _PATTERNS):
            pattern = node.expression
            if pattern.find(exp.Column) or _size(pattern) > LONGEST_PATTERN:
                return f"takes a pattern that is not a text of up to {LONGEST_PATTERN} characters"
        case exp.Escape():
            mark, pattern = node.expression, node.this.expression
            if not isinstance(mark, exp.Literal) or len(mark.name) != 1 or pattern.name.endswith(mark.name):
                return "escapes by what is not one character before another"
        case exp.Like() | exp.ILike():
            pattern = node.expression
            wildcards = sum(text.name.count("%") for text in pattern.find_all(exp.Literal))
            if pattern.find(exp.Column) or wildcards > MOST_WILDCARDS:
                return f"takes a pattern that is not a text with at most {MOST_WILDCARDS} times %"
    if isinstance(node, (*_JOINED, exp.Replace, exp.RegexpReplace)) and _size(node) > LONGEST_TEXT:
        return f"makes texts that may be longer than {LONGEST_TEXT:,} characters"
    return ""


def _size(node: exp.Expr | None) -> int:  # noqa: PLR0911 - one case a function
    """The most characters that a value may have as text."""
    match node:
        case None | exp.Null():
            return 0
        case exp.Literal():
            return len(node.name)
        case exp.Column():
            return LONGEST_VALUE
        case exp.Replace() | exp.RegexpReplace():  # a replacement may stand at every place, and between
            return (_size(node.this) + 1) * max(1, _size(node.args.get("replacement")))
        case exp.Pad():
            return _number(node.expression)
        case _ if isinstance(node, _JOINED):
            return sum(_size(part) for part in node.iter_expressions())
        case _ if isinstance(node, _SAME):
            return max((_size(part) for part in node.iter_expressions()), default=0)
    return OTHER


def _number(node: exp.Expr | None) -> int:
    try:
        return int(node.name) if isinstance(node, exp.Literal) else LONGEST_TEXT
    except ValueError:
        return LONGEST_TEXT
