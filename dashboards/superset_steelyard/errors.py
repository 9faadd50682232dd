"""The DB-API's exceptions. Their text is the API's own sentence: it names no table and no SQL."""

from __future__ import annotations


class Error(Exception):
    """Anything that this driver raises."""


class Warning(Error):
    """Never raised."""


class InterfaceError(Error):
    """The driver was used in a way that it refuses: no signed-in user, bind parameters."""


class DatabaseError(Error):
    """The API refused or failed; the text is its sentence and its hint."""


class OperationalError(DatabaseError):
    """The API could not be reached, or ran out of time."""


class ProgrammingError(DatabaseError):
    """The question was not understood or is not allowed."""


class DataError(DatabaseError):
    """Never raised."""


class IntegrityError(DatabaseError):
    """Never raised."""


class InternalError(DatabaseError):
    """Never raised."""


class NotSupportedError(DatabaseError):
    """Transactions and writes."""
