"""A customer's rights, carried out: two people erase, one exports, the operator lets old rows expire.

The audit keeps who did it, when and why, and a keyed digest in the place of the customer.
"""

from __future__ import annotations

import datetime as dt
import getpass
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from api.errors import NoSuchCustomerError
from api.pipeline.build import full_build_step, publish_step
from api.pipeline.checkpoint import only_one
from api.settings import Settings
from governance.disk import raise_on_disk_full
from governance.errors import InvalidDecisionError
from governance.identity import Principal
from governance.json_types import JsonDict
from governance.policy.authorize import require
from governance.progress import Progress, silent
from governance.releases import ReleaseNotFoundError, ReleaseStore
from governance.store import OpsStore
from governance.store.audit import AuditEntry, append, read, record
from integrations.customers import (
    ErasedRows,
    Retention,
    apply_erasures,
    customer_records,
    erasures_in,
    expire,
    expired_rows,
    note_erasure,
)
from integrations.ingest import only_writer
from integrations.ingest.context import open_connection
from integrations.ingest.quarantine import rows_naming
from integrations.pseudonyms import PseudonymTable

OPEN_FOR = dt.timedelta(days=30)
"""A request that nobody confirmed for so long has to be asked again."""

NOTHING_HELD = "Nothing is held of this customer."
REQUESTED, CONFIRMED, ERASED = "customer.request_erasure", "customer.confirm_erasure", "customer.erase"


@dataclass(frozen=True)
class ErasureReport:
    """`state` is requested, waiting (for another person than who asked) or erased. What was changed is said
    when it was: rows by table, quarantined rows, the release without the customer, and those that went."""

    customer: str
    state: str
    asked_by: str
    landed: dict[str, int] = field(default_factory=dict)
    quarantined: int = 0
    release_id: str | None = None
    releases_removed: tuple[str, ...] = ()


@dataclass(frozen=True)
class CustomerRights:
    """Works on the landing, the releases and the audit of one installation."""

    settings: Settings
    store: OpsStore

    def erase(
        self, person: Principal, raw: str, reason: str, *, now: dt.datetime, progress: Progress = silent
    ) -> ErasureReport:
        """Ask for an erasure, or confirm and carry out what somebody else asked for.

        Raises ForbiddenError, NoSuchCustomerError, InvalidDecisionError if the reason names the customer, and
        the errors of a build; after one of these the same command goes on.
        """
        table = PseudonymTable.open(self.settings.people)
        digest = table.digest(raw)
        _check_reason(reason, raw)
        begun = any(erasure.digest == digest for erasure in table.erasures())
        asked_by = self._asked_by(digest, now)
        if asked_by is None and not (begun and self._is_held(table, raw)):
            policies = require(person, "request_erasure")
            if not self._is_held(table, raw):
                raise NoSuchCustomerError(
                    "Nothing is held of this customer.",
                    hint="Was the customer erased before, or is it a slip?",
                )
            self._record(person, REQUESTED, digest, reason, policies, now=now)
            return ErasureReport(digest, "requested", person.user)
        policies = require(person, "confirm_erasure")
        if asked_by == person.user:
            return ErasureReport(digest, "waiting", asked_by)
        self._record(person, CONFIRMED, digest, reason, policies, now=now, after={"asked_by": asked_by})
        with self._alone():
            note_erasure(table, [digest], now=now, copy=self.settings.erasures_file)
            erased, release_id, removed = self._carry_out(table, progress)
        self._record(
            person, ERASED, digest, reason, policies, now=now, after=_outcome(erased, release_id, removed)
        )
        return ErasureReport(
            digest, "erased", asked_by or "", erased.landed, erased.quarantined, release_id, removed
        )

    def replay(self, *, now: dt.datetime, progress: Progress = silent) -> ErasureReport:
        """Erase again whoever a restored state has brought back: those whom `erasures_file` lists as well."""
        table = PseudonymTable.open(self.settings.people)
        copy = self.settings.erasures_file
        with self._alone():
            note_erasure(table, erasures_in(copy) if copy else (), now=now, copy=copy)
            erased, release_id, removed = self._carry_out(table, progress)
        entry = AuditEntry(
            _operator(), "customer.replay_erasures", "customers", after=_outcome(erased, release_id, removed)
        )
        with self.store.write() as transaction:
            append(transaction, entry, now=now)
        return ErasureReport("", "erased", "", erased.landed, erased.quarantined, release_id, removed)

    def export(self, person: Principal, raw: str, reason: str, *, now: dt.datetime) -> JsonDict:
        """Everything that is held of a customer. Raises ForbiddenError or NoSuchCustomerError."""
        policies = require(person, "export_customer")
        table = PseudonymTable.open(self.settings.people)
        _check_reason(reason, raw)
        if not self._is_held(table, raw):
            raise NoSuchCustomerError(NOTHING_HELD)
        self._record(person, "customer.export", table.digest(raw), reason, policies, now=now)
        with self._connection() as con:
            return customer_records(
                con,
                raw=raw,
                pseudonym=table.find(raw),
                landing=self.settings.landing,
                quarantine=self.settings.quarantine,
                warehouse=self._warehouse(),
            )

    def retain(self, *, now: dt.datetime, dry_run: bool, progress: Progress = silent) -> ErasureReport:
        """Take the customer out of rows older than their table's retention. Raises RetentionError."""
        retention = Retention.parse(self.settings.retention)
        if dry_run:
            with self._connection() as con:
                counts = expired_rows(con, self.settings.landing, retention, today=now.date())
            return ErasureReport("", "dry run", "", counts)
        with self._alone():
            with only_writer(self.settings.landing), self._connection() as con:
                counts = expire(con, self.settings.landing, retention, today=now.date())
            release_id, removed = self._release_anew(progress) if counts else (None, ())
        outcome = _outcome(ErasedRows(0, counts, 0), release_id, removed) | {"days": dict(retention.days)}
        entry = AuditEntry(_operator(), "customer.expire", "customers", after=outcome)
        with self.store.write() as transaction:
            append(transaction, entry, now=now)
        return ErasureReport("", "expired", "", counts, 0, release_id, removed)

    def _carry_out(
        self, table: PseudonymTable, progress: Progress
    ) -> tuple[ErasedRows, str | None, tuple[str, ...]]:
        """The landing first, then a release of it and no older one; last the pseudonyms, which find rows."""
        with only_writer(self.settings.landing), self._connection() as con:
            erased = apply_erasures(con, table, self.settings.landing, self.settings.quarantine)
        release_id, removed = self._release_anew(progress)
        table.finish_erasures(erasure.digest for erasure in table.pending())
        return erased, release_id, removed

    def _release_anew(self, progress: Progress) -> tuple[str | None, tuple[str, ...]]:
        """A release built in full (a copy of an older file could hold old rows in free pages), served, and
        alone. None if there was no release yet."""
        releases = ReleaseStore(self.settings.var_dir)
        if releases.current_id() is None:
            return None, ()
        full_build_step(self.settings, progress)
        published = publish_step(self.settings, progress).release_id
        return published, releases.keep_only(published)

    def _asked_by(self, digest: str, now: dt.datetime) -> str | None:
        """Who asked last, if that is open: not carried out, and not too old."""
        for entry in read(self.store, object_id=_object(digest)).items:
            if entry["action"] == ERASED or dt.datetime.fromisoformat(entry["at"]) < now - OPEN_FOR:
                return None
            if entry["action"] == REQUESTED:
                return str(entry["on_behalf_of"] or entry["actor"])
        return None

    def _is_held(self, table: PseudonymTable, raw: str) -> bool:
        if table.find(raw) is not None:
            return True
        return any(rows_naming(self.settings.quarantine, lambda field: field == raw))

    def _record(
        self,
        person: Principal,
        action: str,
        digest: str,
        reason: str,
        policy_ids: tuple[str, ...],
        *,
        now: dt.datetime,
        after: JsonDict | None = None,
    ) -> None:
        with self.store.write() as transaction:
            record(
                transaction,
                person,
                action,
                _object(digest),
                now=now,
                reason=reason,
                policy_ids=policy_ids,
                after=after,
            )

    def _warehouse(self) -> Path | None:
        try:
            return ReleaseStore(self.settings.var_dir).current().warehouse
        except ReleaseNotFoundError:
            return None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No pipeline runs meanwhile, which would build of what is about to go. Raises PipelineBusyError."""
        with raise_on_disk_full("the erasure"), only_one(self.settings.var_dir / "pipeline.lock"):
            yield

    @contextmanager
    def _connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        spill, memory = self.settings.landing / "_work", self.settings.build_memory
        with open_connection(spill, memory_limit=memory) as con:
            yield con


def _check_reason(reason: str, raw: str) -> None:
    if not reason.strip():
        raise InvalidDecisionError(
            "An erasure or export needs a reason.", hint="--reason 'letter of 3 March'"
        )
    if raw in re.split(r"[\s,;:.'\"()]+", reason):
        raise InvalidDecisionError(
            "The reason names the customer, whom the audit must not keep.",
            hint="Give the request's own number.",
        )


def _outcome(erased: ErasedRows, release_id: str | None, removed: tuple[str, ...]) -> JsonDict:
    return {
        "landed": erased.landed,
        "quarantined": erased.quarantined,
        "release_id": release_id,
        "releases_removed": list(removed),
    }


def _object(digest: str) -> str:
    return f"customer.{digest}"


def _operator() -> str:
    return f"operator:{getpass.getuser()}"
