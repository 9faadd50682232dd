"""Every error a user can meet has a code, a message that names the object, and a hint.

SteelyardError
├── semantic.errors.SemanticError      a query or a definition that cannot be answered
├── governance errors                  refused, not found, conflict
├── models_ml errors                   evidence, registry, fallback
├── integrations errors                contracts and ingest
└── api errors                         settings and usage

This module imports nothing, so that every layer may use it.
"""

from __future__ import annotations


class SteelyardError(Exception):
    """Base of every error that Steelyard raises on purpose.

    `code` is stable and machine-readable (kebab-case), `message` names the object at fault,
    `hint` says what to do next (empty where nothing useful can be said).
    """

    code = "error"

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class SemanticError(SteelyardError):
    """A query or a definition that cannot be answered as asked."""

    code = "semantic-error"


class ManifestError(SemanticError):
    """The semantic manifest cannot be read, or names something that it does not define."""

    code = "invalid-manifest"


class RollupError(ManifestError):
    """A dbt model declares itself a rollup that it is not, or one that cannot be aggregated again."""

    code = "invalid-rollup"


class UnknownNameError(SemanticError):
    """A metric, dimension, entity, grain or saved query that does not exist for this reader.

    A hidden object answers with exactly this error, so that its existence cannot be told.
    """

    code = "unknown-name"


class AmbiguousNameError(SemanticError):
    """A dimension that two join paths reach equally well; the message names both."""

    code = "ambiguous-name"


class InvalidQueryError(SemanticError):
    """A query that is malformed or contradicts itself (a filter that is no expression, a bad limit)."""

    code = "invalid-query"


class UnsupportedError(SemanticError):
    """A legal request that the compiler does not answer yet: refused, never answered wrongly."""

    code = "unsupported"


class ForbiddenUseError(SemanticError):
    """A masked dimension used where its values could be inferred (filter, order, metric filter)."""

    code = "masked-dimension"


class QueryTimeoutError(SemanticError):
    """The query ran longer than the engine allows, or was cancelled."""

    code = "query-timeout"


class EngineBusyError(SemanticError):
    """So many queries run that this one got no turn in the time that it might have run."""

    code = "engine-busy"


class ResultTooLargeError(SemanticError):
    """The result has more rows than the engine returns, or needs more memory than it may use."""

    code = "result-too-large"


class InvalidValueError(SemanticError):
    """A value or type that the query asks to compare, convert or compute with does not allow it.

    Said without the value and the physical names: what data hold is not told by an error.
    """

    code = "invalid-value"


class ExecutionError(SemanticError):
    """The warehouse refused the compiled SQL; the physical text stays in the log, not in the message."""

    code = "execution-failed"
