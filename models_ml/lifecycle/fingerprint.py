"""What a training depends on, as one short hash: feature data, settings and the code that turns one into
the other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import duckdb

AFTER_FIT = frozenset({
    "card", "evidence", "fallback", "monitoring", "promotion", "pyfunc", "reasons", "score",
    "search", "served", "spec",
})  # fmt: skip


def data_fingerprint(warehouse: Path, tables: tuple[str, ...]) -> str:
    """Hash of the feature tables' rows, whatever their order; the same data in another release has the
    same."""
    parts = []
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("SET threads = 2")
        for table in tables:
            columns = con.execute(f"SELECT * FROM {table} LIMIT 0").description or []
            # Sums of doubles may differ in the last bit with the order of summation: nine digits count.
            row = ", ".join(
                f"round({name}, 9)" if "DOUBLE" in str(kind).upper() else str(name)
                for name, kind, *_ in columns
            )
            hashed = con.execute(f"SELECT count(*), bit_xor(hash({row})) FROM {table}").fetchone()
            parts.append(f"{table}:{hashed}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def code_fingerprint(*places: Path) -> str:
    """Hash of the source that reads features, fits and calibrates: files, and folders without what runs after
    a fit (`AFTER_FIT`)."""
    total = hashlib.sha256()
    for place in places:
        for path in sorted(place.glob("*.py")) if place.is_dir() else [place]:
            if path.stem not in AFTER_FIT:
                total.update(path.name.encode() + path.read_bytes())
    return total.hexdigest()[:16]


def training_fingerprint(
    warehouse: Path, settings: Mapping[str, object], *, tables: tuple[str, ...], code: str
) -> str:
    """Equal fingerprints, equal model. `code` is that of `code_fingerprint`."""
    plain = [data_fingerprint(warehouse, tables), code, json.dumps(settings, sort_keys=True)]
    return hashlib.sha256("\n".join(plain).encode()).hexdigest()[:24]
