"""An instant falls on the retailer's day, whatever zone the machine, the process or the asker is in."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from semantic import Engine, MetricQuery, SemanticLayer, parse_semantic_sql
from semantic.definitions.manifest import load_catalog
from semantic.errors import InvalidQueryError, ManifestError, SemanticError
from tests.conftest import ROOT
from tests.semantic.retailer import TABLES

from .test_time_ranges import readings

ZONE = "America/New_York"
INSTANTS = [
    dt.datetime(2024, 3, 9, tzinfo=dt.UTC) + dt.timedelta(minutes=30 * n) for n in range(3 * 48)
]  # a night in which New York loses an hour
LOCAL = [instant.astimezone(ZoneInfo(ZONE)) for instant in INSTANTS]
BY_DAY = Counter(local.date().isoformat() for local in LOCAL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed release's files: readings at instants, and definitions that say in which zone days are."""
    path = tmp_path_factory.mktemp("zoned")
    spine = {
        "resource_type": "model",
        "name": "time_spine",
        "config": {"meta": {"steelyard": {"time_zone": ZONE}}},
    }
    (path / "manifest.json").write_text(json.dumps({"nodes": {"model.shop.time_spine": spine}}))
    (path / "semantic_manifest.json").write_text(json.dumps(readings()))
    with duckdb.connect(str(path / "warehouse.duckdb")) as connection:
        connection.execute(TABLES)
        connection.execute("CREATE TABLE readings (seen_at TIMESTAMPTZ)")
        connection.executemany("INSERT INTO readings VALUES (?)", [[at] for at in INSTANTS])
        connection.execute(
            "CREATE TABLE hours AS SELECT starts_at "
            "FROM range(TIMESTAMP '2024-03-01', TIMESTAMP '2024-04-01', INTERVAL 1 HOUR) r(starts_at)"
        )
    return path


QUESTIONS: list[MetricQuery | str] = [
    MetricQuery(metrics=["readings"], group_by=["metric_time__day"]),
    MetricQuery(metrics=["readings"], group_by=["metric_time__hour"]),
    MetricQuery(metrics=["readings"], group_by=["metric_time__week", "metric_time__extract_dow"]),
    MetricQuery(metrics=["readings", "readings_a_day_ago"], group_by=["metric_time__day"]),
    MetricQuery(metrics=["readings"], time_constraint=("2024-03-10", "2024-03-10"), whole_periods=False),
    MetricQuery(metrics=["readings"], where=["{{ TimeDimension('metric_time', 'day') }} = '2024-03-09'"]),
    "SELECT CAST(metric_time AS DATE) AS d, MEASURE(readings) FROM metrics GROUP BY 1",
    "SELECT EXTRACT(HOUR FROM metric_time) AS h, MEASURE(readings) FROM metrics GROUP BY 1",
    "SELECT MEASURE(readings) FROM metrics WHERE metric_time >= TIMESTAMP '2024-03-10 06:00'",
    "SELECT MEASURE(readings) FROM metrics WHERE metric_time >= TIMESTAMPTZ '2024-03-10 10:00:00Z'",
    "SELECT MEASURE(readings) FROM metrics WHERE metric_time < CURRENT_DATE - 20",
]  # fmt: skip


def answers(folder: Path) -> list[Any]:
    catalog = load_catalog(folder / "semantic_manifest.json")
    with Engine(folder / "warehouse.duckdb", time_zone=catalog.time_zone) as engine:
        layer = SemanticLayer(catalog, engine.statistics(catalog), engine.as_of_day(catalog))
        tables = [engine.run(layer.compile(layer.parse(q))).to_pylist() for q in QUESTIONS]
    return [sorted([str(v) for v in row.values()] for row in table) for table in tables]


def show(folder: str) -> None:
    print(json.dumps(answers(Path(folder))))


def test_servers_in_other_zones_give_one_answer(folder: Path) -> None:
    outputs = set()
    for zone in ("Asia/Tokyo", "America/Los_Angeles"):
        done = subprocess.run(
            [sys.executable, "-c", f"from tests.soundness.test_time_zone import show; show({str(folder)!r})"],
            env={**os.environ, "TZ": zone, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=True, cwd=ROOT,
        )  # fmt: skip
        outputs.add(done.stdout)
    assert len(outputs) == 1
    assert json.loads(outputs.pop()) == answers(folder)


def test_days_are_those_of_the_retailer(folder: Path) -> None:
    by_day, by_hour, _, offset, day, filtered, cast, hours, since, since_utc, before = answers(folder)
    assert {row[0][:10]: int(row[1]) for row in by_day} == BY_DAY
    assert {row[0][:10]: int(row[1]) for row in cast} == BY_DAY
    assert {row[0][:13]: int(row[1]) for row in by_hour} == Counter(f"{at:%Y-%m-%d %H}" for at in LOCAL)
    assert {int(row[0]): int(row[1]) for row in hours} == Counter(at.hour for at in LOCAL)
    assert day == [[str(BY_DAY["2024-03-10"])]]
    assert filtered == [[str(BY_DAY["2024-03-09"])]]
    assert {row[0][:10]: row[2] for row in offset}["2024-03-10"] == str(BY_DAY["2024-03-09"])
    six = dt.datetime(2024, 3, 10, 6, tzinfo=ZoneInfo(ZONE))
    assert since == since_utc == [[str(sum(at >= six for at in LOCAL))]]
    assert before == [[str(len(LOCAL) - BY_DAY["2024-03-11"])]]


WITH_ZONE = [
    "2024-03-10T06:00:00Z",
    "2024-3-10 6:00+02",
    "2024-03-10 06:00:00 Europe/Paris",
    "2024/03/10 06:00 utc",
]


@pytest.mark.parametrize("instant", WITH_ZONE)
def test_an_instant_with_a_zone_is_never_cut(folder: Path, instant: str) -> None:
    """In every way in: a range, a filter of every form, semantic SQL, an answer's condition."""
    layer = SemanticLayer.from_manifest(folder / "semantic_manifest.json")
    filters = [
        f"{{{{ TimeDimension('metric_time', 'hour') }}}} >= '{instant}'",
        f"metric_time >= CAST('{instant}' AS TIMESTAMP)",
        f"metric_time__day IN ('{instant}')",
        f"metric_time BETWEEN '2024-03-10' AND '{instant}'",
        f"metric_time >= CAST('{instant[:10]}' || '{instant[10:]}' AS TIMESTAMP)",
        f"CASE WHEN metric_time < '{instant}' THEN 1 ELSE 0 END = 1",
    ]
    for text in filters:
        with pytest.raises(InvalidQueryError):
            layer.compile(MetricQuery(metrics=["readings"], where=[text]))
        if "{{" not in text:
            with pytest.raises(InvalidQueryError):
                parse_semantic_sql(layer, f"SELECT MEASURE(readings) FROM metrics WHERE {text}")
    key = f"metric_time >= '{instant}'"
    for sql in (
        f"SELECT {key} AS k, MEASURE(readings) FROM metrics GROUP BY 1",
        f"SELECT * FROM (SELECT metric_time, MEASURE(readings) FROM metrics GROUP BY 1) AS q WHERE {key}",
        f"SELECT metric_time, MEASURE(readings) FROM metrics GROUP BY 1 HAVING {key}",
    ):
        with pytest.raises(SemanticError):
            parse_semantic_sql(layer, sql)
    with pytest.raises(InvalidQueryError):
        layer.compile(MetricQuery(metrics=["readings"], time_constraint=(instant, "2024-03-11")))


def test_a_text_with_a_time_of_day_is_compared_as_that_instant(folder: Path) -> None:
    """On a fact that is known by the day, ten o'clock is after the start of the day."""
    layer = SemanticLayer.from_manifest(folder / "semantic_manifest.json")
    with Engine(folder / "warehouse.duckdb") as engine:

        def units(condition: str) -> Any:
            query = MetricQuery(metrics=["units_sold"], where=[condition])
            return engine.run(layer.compile(query)).to_pylist()[0]["units_sold"]

        assert units("metric_time < '2024-02-01 10:00'") == units("metric_time <= '2024-02-01'") == 4
        assert units("metric_time >= '2024-02-01 10:00:00'") == units("metric_time > '2024-02-01'")


def test_one_zone_is_declared(tmp_path: Path) -> None:
    nodes = {
        name: {"name": name, "config": {"meta": {"steelyard": {"time_zone": zone}}}}
        for name, zone in {"days": "Europe/Berlin", "hours": "UTC"}.items()
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    (tmp_path / "semantic_manifest.json").write_text(json.dumps(readings()))
    with pytest.raises(ManifestError, match=r"Europe/Berlin by days, UTC by hours"):
        load_catalog(tmp_path / "semantic_manifest.json")
