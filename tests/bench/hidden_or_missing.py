"""How long a refusal takes over HTTP: of what the reader may not know of, and of what is not there."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from api.app import create_app
from api.auth.sign_in import local_issuer
from api.settings import Settings
from tests.bench.places import VAR
from tests.bench.rows import Row, alternate_ms

METRIC, DIMENSION = "gross_margin", "customer__income_band"
# What is missing has the letters of what is hidden: near misses are looked for by letters, in time that
# depends on them.
PAIRS: list[tuple[str, str, str, dict[str, Any] | None]] = [
    ("a metric", "gross_marign", "/v1/query", {"metrics": [METRIC]}),
    ("a metric, in SQL", "gross_marign", "/v1/sql", {"sql": f"SELECT MEASURE({METRIC}) FROM metrics"}),
    ("a metric's page", "gross_marign", f"/v1/metrics/{METRIC}", None),
    (
        "a dimension",
        "customer__income_bnad",
        "/v1/query",
        {"metrics": ["net_sales"], "group_by": [DIMENSION]},
    ),
    (
        "a filter",
        "customer__income_bnad",
        "/v1/query",
        {"metrics": ["net_sales"], "where": [f"{DIMENSION} = 'x'"]},
    ),
]


def refusals(*, runs: int) -> Iterator[Row]:
    """One row a kind of question, as the store manager, who may see neither margin nor incomes."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("releases", "mlflow"):
            (Path(folder) / name).symlink_to(VAR / name)
        (Path(folder) / "current").symlink_to((VAR / "current").readlink())
        settings = Settings(var_dir=Path(folder), requests_per_minute=1_000_000)
        token = local_issuer(settings).issue("store_manager", now=dt.datetime.now(dt.UTC))
        with TestClient(create_app(settings), headers={"Authorization": f"Bearer {token}"}) as client:
            for what, missing, path, body in PAIRS:
                hidden_ms, missing_ms = alternate_ms(
                    [
                        lambda p=path, b=body: _refused(client, p, b),
                        lambda p=path, b=body, m=missing: _refused(client, *_instead(p, b, m)),
                    ],  # type: ignore[misc]
                    runs,
                )
                ratio = hidden_ms / missing_ms
                yield Row(
                    "policy",
                    f"refuse what is hidden (peer: what is not there): {what}",
                    "ms",
                    hidden_ms,
                    "0.9 to 1.1 × the peer",
                    missing_ms,
                    ratio,
                    holds=0.9 <= ratio <= 1.1,
                )


def _instead(path: str, body: dict[str, Any] | None, missing: str) -> tuple[str, dict[str, Any] | None]:
    """The same request about something that does not exist."""

    def swap(text: str) -> str:
        return text.replace(METRIC, missing).replace(DIMENSION, missing)

    changed = {k: swap(v) if isinstance(v, str) else [swap(x) for x in v] for k, v in (body or {}).items()}
    return swap(path), changed or None


def _refused(client: TestClient, path: str, body: dict[str, Any] | None) -> None:
    answer = client.get(path) if body is None else client.post(path, json=body)
    if answer.status_code not in (400, 404):
        raise TypeError(f"{path} answered {answer.status_code}")
