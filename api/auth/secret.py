"""Secrets of this installation that nobody has to type into a configuration."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def secret_in(path: Path) -> str:
    """Read a secret, or make one of 256 bits, readable by its owner only; of two makers the first wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    if not path.exists():
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(32))
        try:
            os.link(fresh, path)  # whole, or not there
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text()
