"""Logs say what happened, one line an entry, not who somebody is or how they sign in.

Secrets and addresses are redacted. What a request brings cannot begin a line of its own: control characters
of a message are escaped, and the lines of a traceback are indented.
"""

from __future__ import annotations

import logging
import re

_NAMED = r"(?i)(authorization|x-csrftoken|cookie|password|secret)(['\"]?\s*[:=]\s*['\"]?)[^\s'\",}]+"
_REDACTIONS = (
    (re.compile(r"steelyard\.[0-9a-f]{16}\.[A-Za-z0-9_-]+"), "[service key]"),
    (re.compile(r"eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), "[token]"),
    (re.compile(r"(?i)(bearer|basic)\s+[^\s'\",}]+"), r"\1 […]"),
    (re.compile(_NAMED), r"\1\2[…]"),
    (re.compile(r"(://[^/\s:@]+:)[^@\s]+@"), r"\1[…]@"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "[address]"),
    (re.compile(r"(\"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) [^\s?\"]+)\?[^\s\"]*"), r"\1?[…]"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_LOGGERS = ("", "uvicorn", "uvicorn.error", "uvicorn.access", "steelyard")


def redacted(text: str) -> str:
    """The text without keys, tokens, passwords, mail addresses and query strings."""
    for pattern, instead in _REDACTIONS:
        text = pattern.sub(instead, text)
    return text


def one_line(text: str) -> str:
    """The text with its control characters escaped."""
    return _CONTROL.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


class RedactingFormatter(logging.Formatter):
    """Formats as another formatter does, tracebacks included, line-safe and redacted."""

    def __init__(self, inner: logging.Formatter | None) -> None:
        super().__init__()
        self._inner = inner or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        entry = logging.makeLogRecord(
            record.__dict__ | {"exc_info": None, "exc_text": None, "stack_info": None}
        )
        lines = [self._inner.format(entry)]
        if record.exc_info:
            lines += [f"    | {line}" for line in self._inner.formatException(record.exc_info).splitlines()]
        if record.stack_info:
            lines += [f"    | {line}" for line in record.stack_info.splitlines()]
        return redacted("\n".join(map(one_line, lines)))


def redact_logs() -> None:
    """Make every handler of the server's loggers redact. Calling it again changes nothing.

    Loggers of libraries without a handler of their own (sqlglot warns with the SQL at fault) get the root's.
    """
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.StreamHandler())
    for name in _LOGGERS:
        for handler in logging.getLogger(name).handlers:
            if not isinstance(handler.formatter, RedactingFormatter):
                handler.setFormatter(RedactingFormatter(handler.formatter))
