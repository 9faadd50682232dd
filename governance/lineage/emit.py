"""Sends lineage events to a file or to an OpenLineage endpoint, such as Marquez or a data catalogue."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from openlineage.client import OpenLineageClient
from openlineage.client.transport.file import FileConfig, FileTransport
from openlineage.client.transport.http import HttpConfig, HttpTransport
from requests import RequestException

from governance.lineage.openlineage import Ran, events

_log = logging.getLogger(__name__)
_BLOCK = 1 << 16


class LineageSink:
    """Where events go. Failing to send is logged and never stops the work that is being reported."""

    def __init__(self, client: OpenLineageClient, file: Path | None = None) -> None:
        self._client = client
        self._file = file

    @classmethod
    def to_file(cls, path: Path) -> LineageSink:
        """One JSON event a line, appended by one process at a time."""
        config = FileConfig(log_file_path=str(path), append=True)
        return cls(OpenLineageClient(transport=FileTransport(config)), path)

    @classmethod
    def to_endpoint(cls, url: str, *, api_key: str = "", timeout_seconds: float = 5.0) -> LineageSink:
        """`<url>/api/v1/lineage`, with a bearer key if one is given, three tries."""
        auth = {"type": "api_key", "apiKey": api_key} if api_key else {}
        config = HttpConfig.from_dict(
            {"url": url, "timeout": timeout_seconds, "auth": auth, "retry": {"total": 3}}
        )
        return cls(OpenLineageClient(transport=HttpTransport(config)))

    def send(self, runs: Iterable[Ran]) -> bool:
        """Whether everything was sent. Stops at the first failure, so that a later try keeps the order."""
        ran = None
        try:
            with self._alone():
                for ran in runs:
                    for event in events(ran):
                        self._client.emit(event)
        except (OSError, RequestException, RuntimeError) as error:
            _log.warning("lineage event of %s was not sent: %s", ran.job if ran else "a job", error)
            return False
        return True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The file to oneself, without the half line that a kill or a full disk left at its end."""
        if self._file is None:
            yield
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _cut_half_line(file)
            try:
                yield
            finally:
                _cut_half_line(file)


def _cut_half_line(file: BinaryIO) -> None:
    end = file.seek(0, os.SEEK_END)
    whole = end
    while whole and _byte_before(file, whole) != b"\n":
        start = max(0, whole - _BLOCK)
        file.seek(start)
        whole = start + file.read(whole - start).rfind(b"\n") + 1
    if whole < end:
        file.truncate(whole)


def _byte_before(file: BinaryIO, position: int) -> bytes:
    file.seek(position - 1)
    return file.read(1)
