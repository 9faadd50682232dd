"""What a finished step leaves behind: the fingerprint of its inputs and its result.

Written last, by rename, so a killed step has no checkpoint and runs again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from api.errors import PipelineBusyError
from api.pipeline.results import StepResult
from governance.disk import atomic_write

R = TypeVar("R", bound=StepResult)


def read_checkpoint(folder: Path, step: str, fingerprint: str, result: type[R]) -> R | None:
    """The result of an earlier run with the same fingerprint; None if there is none that can be read."""
    try:
        checkpoint = json.loads((folder / f"{step}.json").read_text())
        same = checkpoint["fingerprint"] == fingerprint
        return result.model_validate(checkpoint["result"]) if same else None
    except (OSError, ValueError, KeyError):  # a result of another version is none
        return None


def write_checkpoint(folder: Path, step: str, fingerprint: str, result: StepResult) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    body = {"fingerprint": fingerprint, "result": result.as_dict()}
    atomic_write(folder / f"{step}.json", json.dumps(body, indent=2))


def code_fingerprint(*packages: Path) -> str:
    """SHA-256 over the Python and YAML files of `packages`: changed code makes a step run again."""
    digest = hashlib.sha256()
    for package in packages:
        for path in sorted(p for p in package.rglob("*") if p.suffix in {".py", ".yaml", ".yml", ".cedar"}):
            digest.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold the pipeline's lock; the kernel frees it when the process ends, however it ends."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PipelineBusyError(
                "Another pipeline is running on this state folder.",
                hint="Wait for it to end, then run again.",
            ) from None
        yield
