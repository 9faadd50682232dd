"""Files and requests that come ten times, shuffled, in any cut: the same marts and the same ledger as once.

The small shop is built here; in `make test-full` and with `STEELYARD_FAULT_POINTS` set, the whole project on
the whole example.
"""

from __future__ import annotations

import json
import math
import os
import random
import shutil
from pathlib import Path

import duckdb
import pytest

from api.pipeline.build import build_step, ingest_step, publish_step
from api.services.lineage_events import LineageEvents
from api.settings import Settings
from governance.approvals import decide, propose, transition
from governance.errors import ConflictError
from governance.identity import Directory
from governance.releases import ReleaseStore
from governance.store import audit
from tests.faults.kill import run
from tests.faults.scene_decide import NOW, PROPOSED, choice, proposals, service, state, store_of
from tests.faults.small_shop import EXAMPLE, open_shop
from tests.seeds import FULL, seeded

TIMES = 10
WHOLE = FULL or bool(os.environ.get("STEELYARD_FAULT_POINTS"))


def test_files_ten_times_shuffled_in_other_cuts(tmp_path):
    once, often = tmp_path / "once", tmp_path / "often"
    run(_once, once)
    run(_often, often)
    marts, same = _marts(once), _marts(often)
    assert marts.keys() == same.keys() and any(marts.values())
    for name, rows in marts.items():
        assert len(same[name]) == len(rows), name
        different = [pair for pair in zip(rows, same[name], strict=True) if not _same(*pair)]
        assert different == [], name


def _same(row: tuple, other: tuple) -> bool:
    """Equal, but for the last digits of floating point, which depend on the order in which rows are added."""
    return all(
        math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
        if isinstance(a, float) and isinstance(b, float)
        else a == b
        for a, b in zip(row, other, strict=True)
    )


def _once(root: Path) -> None:
    _build(_opened(root))


def _often(root: Path) -> None:
    """Each table's lines in other cuts, each cut ten times under other names, brought in three goes."""
    settings, rng = _opened(root), seeded()
    away = root / "away"
    shutil.move(root / "in", away)
    cuts = [cut for path in sorted(away.rglob("*.csv")) for cut in _cuts(path, rng)] * TIMES
    rng.shuffle(cuts)
    for go in range(3):
        for number, (table, text) in enumerate(cuts[go::3]):
            folder = root / "in" / table
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{rng.random()}-{go}-{number}.csv").write_text(text)
        ingest_step(settings, _silent)
    _build(settings)


def _cuts(path: Path, rng: random.Random) -> list[tuple[str, str]]:
    header, *lines = path.read_text().splitlines()
    rng.shuffle(lines)
    size = max(len(lines) // 2, 1)
    return [
        (path.parent.name, "\n".join([header, *lines[start : start + size]]) + "\n")
        for start in range(0, len(lines), size)
    ]


def _opened(root: Path) -> Settings:
    settings = open_shop(root)
    shutil.rmtree(root / "in")
    for table in EXAMPLE.iterdir():
        if WHOLE or table.name in ("products", "locations", "sales_lines"):
            shutil.copytree(table, root / "in" / table.name)
    return Settings(var_dir=settings.var_dir, source=settings.source) if WHOLE else settings


def _build(settings: Settings) -> None:
    for step in (ingest_step, build_step, publish_step):
        step(settings, _silent)


def _silent(*what: object) -> None:
    """Nobody listens."""


def _marts(root: Path) -> dict[str, list[tuple]]:
    """Rows of every table of the release, without the numbers of batches."""
    warehouse = ReleaseStore(root / "var").current().warehouse
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        tables = connection.execute(
            "SELECT c.schema_name || '.' || c.table_name, list(column_name ORDER BY column_index) "
            "FROM duckdb_columns() c JOIN duckdb_tables() t ON t.table_oid = c.table_oid "
            "WHERE column_name <> 'batch_sequence' GROUP BY ALL"
        ).fetchall()
        return {
            table: connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY ALL").fetchall()
            for table, columns in tables
        }


@pytest.fixture
def ledger(tmp_path):
    (tmp_path / "here").mkdir()
    opened = store_of(tmp_path / "here")
    yield opened
    opened.close()


def test_requests_ten_times_shuffled(ledger, tmp_path):
    """Proposals, decisions with their keys, deliveries of what was carried out, and what is told of them."""
    rng, planner = seeded(), Directory.load().user("planner_east")
    for _ in range(TIMES):
        rows = proposals()
        rng.shuffle(rows)
        propose(ledger, service(), rows, now=NOW)
    requests = [i for i in range(PROPOSED) for _ in range(TIMES)]
    rng.shuffle(requests)
    answers: dict[int, set[str]] = {}
    for i in requests:
        what, more = choice(i)
        decision = decide(ledger, planner, f"r{i}", what, now=NOW, idempotency_key=f"key-{i}", **more)
        answers.setdefault(i, set()).add(decision.decision_id)
        LineageEvents(Settings(var_dir=tmp_path / "here")).decided(ledger)
    assert all(len(decision) == 1 for decision in answers.values()), "the same request had two answers"
    refused = 0
    for _ in range(TIMES):  # without a key: a second decision is a conflict
        with pytest.raises(ConflictError):
            decide(ledger, planner, f"r{rng.randrange(PROPOSED)}", "approve", now=NOW)
        try:
            transition(ledger, service(), "r0", "executing", now=NOW)
        except ConflictError:
            refused += 1
    assert refused == TIMES - 1
    trail = [row["action"] for row in audit.read(ledger, limit=1000).items]
    assert (trail.count("recommendation.propose"), trail.count("recommendation.executing")) == (PROPOSED, 1)
    seen = state(tmp_path / "here")
    assert len(seen["decisions"]) == PROPOSED and seen["holds"] == (True, "")
    lines = (tmp_path / "here" / "openlineage" / "events.ndjson").read_text().splitlines()
    reported = [json.loads(line)["run"]["runId"] for line in lines]
    assert len(reported) == 2 * len(set(reported)) == 2 * PROPOSED  # start and end of each, once
