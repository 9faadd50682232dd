"""A source batch in any form (SQL relation, Parquet, text) through the same checks into one landed batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import duckdb

from governance.disk import is_disk_full
from integrations.contracts import Contract
from integrations.errors import UnreadableFileError
from integrations.ingest.context import IngestContext
from integrations.ingest.former_names import note, present_names, renamed_relation
from integrations.ingest.header import check_columns, read_header, unknown_columns
from integrations.ingest.limits import check_archive, check_parquet
from integrations.ingest.load_batch import load_batch
from integrations.ingest.state import LandedBatch
from integrations.ingest.text import numbered_relation, strict_relation
from integrations.sources.base import SourceBatch


def load(
    context: IngestContext,
    contract: Contract,
    source_batch: SourceBatch,
    *,
    batch_id: str,
    sequence: int,
    simulated: bool,
) -> LandedBatch:
    """Land one source batch. Raises the errors of its form and of `load_batch`."""
    path, given = source_batch.path, source_batch.relation
    relations: list[Callable[[], str]]
    if given is None:
        assert path is not None  # noqa: S101
        check_archive(path, source_batch.label)
        header, delimiter = read_header(path, source_batch.label, contract)
        names, replaced = present_names(header, contract)
        relations = [
            lambda: strict_relation(path, names, delimiter),
            lambda: numbered_relation(path, source_batch.label, names, delimiter, context.workspace),
        ]
    else:
        if path is not None:
            check_parquet(context.connection, path, source_batch.label)
        described = context.connection.execute(f"DESCRIBE SELECT * FROM {given}").fetchall()
        names, replaced = present_names([row[0] for row in described], contract)
        check_columns(names, source_batch.label, contract)
        relation_given = renamed_relation(given, replaced)
        relations = [lambda: relation_given]
    batch = None
    for attempt, relation in enumerate(relations, start=1):
        last = attempt == len(relations)
        try:
            batch = load_batch(
                context, contract, relation(), label=source_batch.label, batch_id=batch_id, sequence=sequence,
                simulated=simulated, only_if_clean=not last,
            )  # fmt: skip
        except duckdb.Error as error:
            if last and path is not None and not is_disk_full(error):
                raise UnreadableFileError(
                    f"{source_batch.label} cannot be read: {str(error).splitlines()[0]}.",
                    hint="Send it again, or in parts.",
                ) from error
            if last:
                raise
        if batch is not None:
            break
    assert batch is not None  # noqa: S101 - the last attempt lands or raises
    ignored = unknown_columns(names, contract)
    unread = (f"columns not in the contract were not loaded: {', '.join(ignored)}",) if ignored else ()
    return replace(batch, warnings=(*batch.warnings, *note(replaced), *unread))
