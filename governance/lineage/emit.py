"""Sends lineage events to a file or to an OpenLineage endpoint, such as Marquez or a data catalogue."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from openlineage.client import OpenLineageClient
from openlineage.client.transport.file import FileConfig, FileTransport
from openlineage.client.transport.http import HttpConfig, HttpTransport
from requests import RequestException

from governance.lineage.openlineage import Ran, events

_log = logging.getLogger(__name__)


class LineageSink:
    """Where events go. Failing to send is logged and never stops the work that is being told of."""

    def __init__(self, client: OpenLineageClient) -> None:
        self._client = client

    @classmethod
    def to_file(cls, path: Path) -> LineageSink:
        """One JSON event a line, appended."""
        path.parent.mkdir(parents=True, exist_ok=True)
        config = FileConfig(log_file_path=str(path), append=True)
        return cls(OpenLineageClient(transport=FileTransport(config)))

    @classmethod
    def to_endpoint(cls, url: str, *, api_key: str = "", timeout_seconds: float = 5.0) -> LineageSink:
        """`<url>/api/v1/lineage`, with a bearer key where one is given, three tries."""
        auth = {"type": "api_key", "apiKey": api_key} if api_key else {}
        config = HttpConfig.from_dict(
            {"url": url, "timeout": timeout_seconds, "auth": auth, "retry": {"total": 3}}
        )
        return cls(OpenLineageClient(transport=HttpTransport(config)))

    def send(self, runs: Iterable[Ran]) -> bool:
        """Whether everything was sent. Stops at the first failure, so that a later try keeps the order."""
        for ran in runs:
            for event in events(ran):
                try:
                    self._client.emit(event)
                except (OSError, RequestException, RuntimeError) as error:
                    _log.warning("lineage event of %s was not sent: %s", ran.job, error)
                    return False
        return True
