"""Columns that a contract renamed: files with former names are read, landed batches get the present ones."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from integrations.contracts import Contract, contracts
from integrations.ingest.load_batch import PARQUET, move_into_landing
from semantic.sql.quoting import identifier, literal


def present_names(names: Sequence[str], contract: Contract) -> tuple[list[str], dict[str, str]]:
    """The names of a file with every former one replaced, and what was replaced (former: present).

    A former name beside the present one is not replaced: the present one is what counts.
    """
    replaced = {
        former: present
        for former, present in contract.former_names.items()
        if former in names and present not in names
    }
    return [replaced.get(name, name) for name in names], replaced


def renamed_relation(relation: str, replaced: dict[str, str]) -> str:
    """SQL over the same rows under the present names."""
    if not replaced:
        return relation
    pairs = ", ".join(
        f"{identifier(former)} AS {identifier(present)}" for former, present in replaced.items()
    )
    return f"(SELECT * RENAME ({pairs}) FROM {relation})"


def note(replaced: dict[str, str]) -> tuple[str, ...]:
    """What to say of it in the report: nothing if nothing was replaced."""
    if not replaced:
        return ()
    pairs = ", ".join(f"{former} is now {present}" for former, present in replaced.items())
    return (f"former column names were read, which the next minor version no longer does: {pairs}",)


def bring_forward(connection: duckdb.DuckDBPyConnection, landing: Path) -> int:
    """Give landed batches the present column names, each by one rename of its folder; returns how many.

    Values, order and row count stay; the seal is written anew.
    """
    done = 0
    for contract, folder in _of_former_names(landing):
        scratch = landing / "_work" / f"{folder.parent.name}-{folder.name}"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        for part in sorted(folder.glob("*.parquet")):
            _, replaced = present_names(pq.read_schema(part).names, contract)
            relation = renamed_relation(f"read_parquet({literal(part)}, hive_partitioning = false)", replaced)
            connection.execute(f"COPY (FROM {relation}) TO {literal(scratch / part.name)} {PARQUET}")
        move_into_landing(scratch, folder)
        done += 1
    return done


def has_former_names(landing: Path) -> bool:
    """Whether a batch was landed under former column names: nothing can be built of it yet."""
    return next(_of_former_names(landing), None) is not None


def _of_former_names(landing: Path) -> Iterator[tuple[Contract, Path]]:
    for table, contract in contracts().items():
        if not contract.former_names:
            continue
        for folder in sorted((landing / table).glob("batch=*")):
            if any(present_names(_columns(part), contract)[1] for part in folder.glob("*.parquet")):
                yield contract, folder


def _columns(part: Path) -> list[str]:
    """Of a damaged file, none: the check of the landing reports it."""
    try:
        return list(pq.read_schema(part).names)
    except (OSError, pa.ArrowException):
        return []
