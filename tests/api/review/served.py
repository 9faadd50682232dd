"""The application on a loopback port, with an ops store of its own, for tests that need a real browser."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from api.app import create_app
from api.settings import Settings


def state_of_its_own(folder: Path, var_dir: Path, release_dir: Path) -> Settings:
    """The demo's landing, published release and models; what the test decides and builds stays its own."""
    (folder / "releases").mkdir()
    shutil.copytree(release_dir, folder / "releases" / release_dir.name, copy_function=os.link)
    (folder / "current").symlink_to(f"releases/{release_dir.name}")
    (folder / "mlflow").symlink_to(var_dir / "mlflow")
    shutil.copytree(var_dir / "landing", folder / "landing", copy_function=_link_data)
    return Settings(var_dir=folder)


def _link_data(source: str, target: str) -> None:
    """Landed files never change, so a link will do; state and lock files do."""
    (os.link if source.endswith(".parquet") else shutil.copy2)(source, target)


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """The address of the running application."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.started
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)
