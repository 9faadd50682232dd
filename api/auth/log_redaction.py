"""Logs say what happened, one line an entry, not who somebody is or how they sign in.

Secrets and addresses are redacted. What a request brings cannot begin a line of its own: control characters
of a message are escaped, and the lines of a traceback are indented.
"""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime

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
    """Formats as another formatter does, with the trace below, indented: line-safe and redacted.

    `as_json`: one JSON object a line instead, with time (UTC), level, logger, message and trace.
    """

    def __init__(self, inner: logging.Formatter | None, *, as_json: bool = False) -> None:
        super().__init__()
        self.inner = inner or logging.Formatter()
        self.is_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        return self._object(record) if self.is_json else self._lines(record)

    def _lines(self, record: logging.LogRecord) -> str:
        without_trace = {"exc_info": None, "exc_text": None, "stack_info": None}
        entry = logging.makeLogRecord(record.__dict__ | without_trace)
        trace = [f"    | {line}" for line in self._trace(record).splitlines()]
        return redacted("\n".join(map(one_line, [self.inner.format(entry), *trace])))

    def _object(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        if trace := self._trace(record):
            entry["trace"] = redacted(trace)
        return json.dumps(entry)  # control characters and line separators are escaped

    def _trace(self, record: logging.LogRecord) -> str:
        """Traceback and stack, as far as the record has them."""
        raised = self.inner.formatException(record.exc_info) if record.exc_info else ""
        return "\n".join(part for part in (raised, record.stack_info or "") if part)


def redact_logs(*, as_json: bool = False) -> None:
    """Make every handler of the process's loggers redact. Calling it again changes the form at most.

    Loggers of libraries without a handler of their own (sqlglot warns with the SQL at fault) get the root's.
    """
    root = logging.getLogger()
    if not root.handlers:
        last_resort = logging.StreamHandler()
        last_resort.setLevel(logging.WARNING)
        root.addHandler(last_resort)
    for name in _LOGGERS:
        for handler in logging.getLogger(name).handlers:
            formatter = handler.formatter
            if not isinstance(formatter, RedactingFormatter):
                handler.setFormatter(RedactingFormatter(formatter, as_json=as_json))
            elif formatter.is_json != as_json:
                handler.setFormatter(RedactingFormatter(formatter.inner, as_json=as_json))
