"""Logs say what happened, not who somebody is or how they sign in: secrets and addresses are redacted."""

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
_LOGGERS = ("", "uvicorn", "uvicorn.error", "uvicorn.access", "steelyard")


def redacted(text: str) -> str:
    """The text without keys, tokens, passwords, mail addresses and query strings."""
    for pattern, instead in _REDACTIONS:
        text = pattern.sub(instead, text)
    return text


class RedactingFormatter(logging.Formatter):
    """Formats as another formatter does, tracebacks included, and then redacts."""

    def __init__(self, inner: logging.Formatter | None) -> None:
        super().__init__()
        self._inner = inner or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        return redacted(self._inner.format(record))


def redact_logs() -> None:
    """Make every handler of the server's loggers redact. Calling it again changes nothing."""
    for name in _LOGGERS:
        for handler in logging.getLogger(name).handlers:
            if not isinstance(handler.formatter, RedactingFormatter):
                handler.setFormatter(RedactingFormatter(handler.formatter))
