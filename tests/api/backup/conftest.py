"""A small state with something in every store, and what a test needs to compare two of them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from api.settings import Settings
from tests.fixtures.state_0_1_0 import unpack_state


@pytest.fixture
def state(tmp_path: Path) -> Settings:
    """The kept state of 0.1.0, with a secret beside it, as a running installation has one."""
    var_dir = unpack_state(tmp_path / "running")
    (var_dir / "keys").mkdir(mode=0o700)
    key = var_dir / "keys" / "review_forms"
    key.write_text("not for others")
    key.chmod(0o600)
    return Settings(var_dir=var_dir)


def contents(folder: Path) -> dict[str, str]:
    """Hash of every file, target of every link, by relative path; SQLite's logs left out."""
    hashes = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            hashes[name] = str(path.readlink())
        elif path.is_file() and not name.endswith(("-wal", "-shm", ".lock", "_lock")):
            hashes[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return hashes
