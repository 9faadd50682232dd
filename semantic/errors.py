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
