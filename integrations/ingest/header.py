"""The first line of a text file: delimiter and column names, checked before a row is read."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections import Counter
from pathlib import Path
from typing import IO, TextIO

from integrations.contracts import Contract
from integrations.errors import HeaderError, UnreadableFileError
from integrations.ingest.former_names import present_names
from integrations.ingest.limits import LONGEST_RECORD, MOST_COLUMNS
from semantic.suggest import near_misses

DELIMITERS = (",", ";", "\t", "|")
BROKEN = (EOFError, zlib.error, gzip.BadGzipFile, OSError)
WIDE_ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def open_text(path: Path) -> TextIO:
    """The file as text without its byte-order mark; invalid UTF-8 survives as surrogates."""
    is_gzip = path.name.lower().endswith(".gz")
    raw: IO[bytes] = gzip.open(path, "rb") if is_gzip else path.open("rb")  # type: ignore[assignment] # noqa: SIM115
    return io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="")


def read_header(path: Path, label: str, contract: Contract) -> tuple[list[str], str]:
    """Column names as the file has them, and delimiter; the names are checked under their present ones.

    Raises HeaderError or UnreadableFileError, naming file and line 1.
    """
    try:
        with path.open("rb") as binary:
            encoding = WIDE_ENCODINGS.get(binary.read(2))
        if encoding:
            raise UnreadableFileError(f"{label}, line 1: the file is {encoding}.", hint="Save it as UTF-8.")
        with open_text(path) as file:
            first = file.readline(LONGEST_RECORD + 1)
    except BROKEN as error:
        raise UnreadableFileError(
            f"{label}, line 1: the file is damaged ({error}).", hint="Send it again."
        ) from error
    if len(first) > LONGEST_RECORD:
        raise UnreadableFileError(
            f"{label}, line 1: the line is longer than {LONGEST_RECORD:,} characters.",
            hint="Is it text, with a line end?",
        )
    if not first.strip():
        raise HeaderError(f"{label} is empty: line 1 should name the columns.", hint=_expected(contract))
    if not first.isprintable() and any("\udc80" <= c <= "\udcff" or c == "\0" for c in first):
        raise UnreadableFileError(f"{label}, line 1: the header is not UTF-8 text.", hint="Save it as UTF-8.")
    delimiter = max(DELIMITERS, key=first.count)
    try:
        names = [n.strip() for n in next(csv.reader([first], delimiter=delimiter))]
    except csv.Error as error:
        raise UnreadableFileError(f"{label}, line 1: {error}.") from error
    check_columns(present_names(names, contract)[0], label, contract)
    return names, delimiter


def check_columns(names: list[str], label: str, contract: Contract) -> None:
    """Every required column once, no name empty or repeated. Raises HeaderError with the near miss."""
    if len(names) > MOST_COLUMNS:
        raise HeaderError(f"{label}, line 1: {len(names):,} columns are more than {MOST_COLUMNS:,}.")
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if "" in names:
        raise HeaderError(
            f"{label}, line 1: column {names.index('') + 1} has no name.", hint=_expected(contract)
        )
    if repeated:
        raise HeaderError(f"{label}, line 1: column '{repeated[0]}' occurs {names.count(repeated[0])} times.")
    missing = [c.name for c in contract.columns if c.required and c.name not in names]
    if missing:
        candidates = near_misses(missing[0], (n for n in names if n not in _contract_names(contract)), 1)
        hint = f"Is it '{candidates[0]}'?" if candidates else _expected(contract)
        raise HeaderError(
            f"{label}, line 1: required columns missing: {', '.join(missing)}.",
            hint=hint,
        )


def unknown_columns(names: list[str], contract: Contract) -> list[str]:
    """Columns that the contract does not know; they are not loaded, and reported."""
    return [n for n in names if n not in _contract_names(contract) and not n.startswith("_")]


def _contract_names(contract: Contract) -> set[str]:
    return {c.name for c in contract.columns} | {"is_simulated"}


def _expected(contract: Contract) -> str:
    return "Columns: " + ", ".join(c.name for c in contract.columns) + "."
