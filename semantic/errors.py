"""Every error a user can meet has a code, a message that names the object, and a hint. The whole tree:

SteelyardError                      error
  SemanticError                     semantic-error
    ManifestError                   invalid-manifest
      RollupError                   invalid-rollup
    UnknownNameError                unknown-name
    AmbiguousNameError              ambiguous-name
    InvalidQueryError               invalid-query
    UnsupportedError                unsupported
    ForbiddenUseError               masked-dimension
    DuplicateKeyError               key-not-unique
    QueryTimeoutError               query-timeout
      QueryCancelledError           query-timeout
    EngineBusyError                 engine-busy
    ResultTooLargeError             result-too-large
    InvalidValueError               invalid-value
    ExecutionError                  execution-failed
  GovernanceError                   governance-error
    NotAuthenticatedError           not-authenticated
      SignInNeededError             not-authenticated
    ForbiddenError                  forbidden
    NotFoundError                   not-found
    ConflictError                   conflict
      IdempotencyMismatchError      idempotency-mismatch
    InvalidDecisionError            invalid-decision
    InvalidCursorError              invalid-cursor
    PolicyBrokenError               policy-broken
      PolicyUntranslatableError     policy-untranslatable
    StoreUnavailableError           store-unavailable
      StoreTooNewError              store-too-new
    DiskFullError                   disk-full
    AuditBrokenError                audit-broken
    LineageError                    lineage-error
      UnknownNodeError              unknown-node
  ReleaseError                      release-error
    ReleaseNotFoundError            release-not-found
    ReleaseCorruptError             release-corrupt
    ReleaseBuildFailedError         release-build-failed
    ReleaseBusyError                release-busy
  ModelError                        model-error
    NotEnoughHistoryError           not-enough-history
    EvidenceMissingError            evidence-missing
    ModelNotFoundError              model-not-found
    RegistryUnavailableError        register-unavailable
    ArtifactChangedError            artifact-changed
    LeakageError                    leakage
  IntegrationError                  integration-error
    ContractError                   contract-invalid
    RetailerInvalidError            retailer-invalid
    SourceError                     source-unreadable
      SourceNotFoundError           source-not-found
      UnreadableFileError           file-unreadable
      HeaderError                   header-invalid
    SourceConflictError             source-conflict
    LandingBusyError                landing-busy
    LandingIncompleteError          landing-incomplete
    NoSalesError                    no-sales
    PseudonymsMissingError          pseudonyms-missing
    RetentionError                  retention-invalid
    TooManyBadRowsError             too-many-bad-rows
    ReconciliationError             counts-do-not-reconcile
  ApiError                          api-error
    SettingsInvalidError            settings-invalid
    PipelineBusyError               pipeline-busy
    StepFailedError                 step-failed
    StepWaitsError                  step-waits
    ServerFailedError               server-failed
    NoSuchCustomerError             no-such-customer
    BackupFailedError               backup-failed
    BackupInvalidError              backup-invalid
    StateNotEmptyError              state-not-empty
    DashboardsNotInstalledError     dashboards-not-installed
    DashboardsFailedError           dashboards-failed
    TooManyRequestsError            too-many-requests

`api/problems` maps codes to HTTP. This module imports nothing, so that every layer may use it.
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


class DuplicateKeyError(SemanticError):
    """A join over a key of which the data hold several rows: rows of the fact would count several times."""

    code = "key-not-unique"


class QueryTimeoutError(SemanticError):
    """The query ran longer than the engine allows, or was cancelled."""

    code = "query-timeout"


class QueryCancelledError(QueryTimeoutError):
    """Who asked has gone, so the query was stopped."""


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
