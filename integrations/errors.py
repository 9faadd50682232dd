"""Everything that can go wrong while data comes in, each naming the file and, if it has one, the line.

IntegrationError
├── ContractError          a contract file is not readable or not consistent
├── RetailerInvalidError   retailer.yaml cannot be read, or has a setting that does not exist or fit
├── SourceError            a source cannot be read at all
│   ├── SourceNotFoundError     no such folder, file or package
│   ├── UnreadableFileError     wrong encoding, truncated, not what its name says
│   └── HeaderError        missing, duplicate or empty column names
├── LandingBusyError            another ingest is writing to the same landing
├── LandingIncompleteError      the last ingest did not reach its end: nothing may be built from it
├── SourceConflictError         the landing holds another retailer's data
├── PseudonymsMissingError      the table of customers' pseudonyms is gone: they would be counted twice
├── RetentionError              a retention that cannot be read, or of a table that has none
├── TooManyBadRowsError         more rows than tolerated break the contract: the batch is refused
└── ReconciliationError    rows in ≠ loaded + quarantined: the batch fails whole
"""

from __future__ import annotations

from semantic.errors import SteelyardError


class IntegrationError(SteelyardError):
    """Base of the family: a contract or an ingest could not be done."""

    code = "integration-error"


class ContractError(IntegrationError):
    """A contract file is not readable or not consistent."""

    code = "contract-invalid"


class RetailerInvalidError(IntegrationError):
    """`retailer.yaml` cannot be read, or has a setting that does not exist or does not fit."""

    code = "retailer-invalid"


class SourceError(IntegrationError):
    """A source cannot be read at all; nothing of it was loaded."""

    code = "source-unreadable"


class SourceNotFoundError(SourceError):
    """No such folder, file, table or package."""

    code = "source-not-found"


class UnreadableFileError(SourceError):
    """A file has the wrong encoding, is truncated, or is not what its name says."""

    code = "file-unreadable"


class HeaderError(SourceError):
    """A file's header misses a required column, repeats one, or leaves one empty."""

    code = "header-invalid"


class SourceConflictError(IntegrationError):
    """The landing already holds the data of another retailer."""

    code = "source-conflict"


class LandingBusyError(IntegrationError):
    """Another ingest is writing to the same landing; nothing was done."""

    code = "landing-busy"


class LandingIncompleteError(IntegrationError):
    """The last ingest was interrupted or refused; a release of what it left would be wrong."""

    code = "landing-incomplete"


class NoSalesError(IntegrationError):
    """No sales line has ever come in: nothing can be built without a day on which something was sold."""

    code = "no-sales"


class PseudonymsMissingError(IntegrationError):
    """The table that says which customer has which pseudonym is gone, or half of it."""

    code = "pseudonyms-missing"


class RetentionError(IntegrationError):
    """A retention that cannot be read, or of a table whose rows have no age or name no customer."""

    code = "retention-invalid"


class TooManyBadRowsError(IntegrationError):
    """More rows than tolerated break the contract; the batch was refused."""

    code = "too-many-bad-rows"


class ReconciliationError(IntegrationError):
    """Rows in are not rows loaded plus rows quarantined; the batch failed whole."""

    code = "counts-do-not-reconcile"
