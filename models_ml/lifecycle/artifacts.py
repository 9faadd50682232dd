"""The files of a trained model, under one digest: what is approved is exactly what scores."""

from __future__ import annotations

import hashlib
from pathlib import Path


def bundle_digest(folder: Path) -> str:
    """SHA-256 over names and contents of all files, in order of name."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        total.update(path.relative_to(folder).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
