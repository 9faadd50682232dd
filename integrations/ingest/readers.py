"""A delivery in any form (SQL relation, Parquet, text) through the same checks into one batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import duckdb

from integrations.contracts import Contract
from integrations.ingest.header import check_columns, read_header, unknown_columns
from integrations.ingest.load_batch import Door, land
from integrations.ingest.state import Batch
from integrations.ingest.text import numbered_relation, strict_relation
from integrations.sources.base import Delivery


def bring_in(
    door: Door, contract: Contract, delivery: Delivery, *, batch_id: str, sequence: int, simulated: bool
) -> Batch:
    """Land one delivery. Raises the errors of its form and of `land`."""
    path, given = delivery.path, delivery.relation
    relations: list[Callable[[], str]]
    if given is None:
        assert path is not None  # noqa: S101
        names, delimiter = read_header(path, delivery.label, contract)
        relations = [
            lambda: strict_relation(path, names, delimiter),
            lambda: numbered_relation(path, delivery.label, names, delimiter, door.workspace),
        ]
    else:
        described = door.connection.execute(f"DESCRIBE SELECT * FROM {given}").fetchall()
        names = [row[0] for row in described]
        check_columns(names, delivery.label, contract)
        relations = [lambda: given]
    batch = None
    for attempt, relation in enumerate(relations, start=1):
        last = attempt == len(relations)
        try:
            batch = land(
                door, contract, relation(), label=delivery.label, batch_id=batch_id, sequence=sequence,
                simulated=simulated, only_if_clean=not last,
            )  # fmt: skip
        except duckdb.Error:
            if last:
                raise
        if batch is not None:
            break
    assert batch is not None  # noqa: S101 - the last attempt lands or raises
    ignored = unknown_columns(names, contract)
    note = (f"columns not in the contract were not loaded: {', '.join(ignored)}",) if ignored else ()
    return replace(batch, warnings=(*batch.warnings, *note))
