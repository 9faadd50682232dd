# ruff: noqa: E501 — hand-written SQL stands in one piece
"""KPIs of cases that the demo does not hold yet, on marts made by hand: each number can be counted on fingers."""

import shutil
from pathlib import Path

import duckdb
import pytest

from semantic import Engine, MetricQuery, SemanticLayer
from tests.dbt_project.oracles import ORACLES

# (recommendation, day, location, action, margin decided, margin baseline, cost): a transfer without a location that the
# dimension knows counts in the total and under no region; what is no transfer counts nowhere.
OUTCOMES = [
    ("R1", "2017-03-01", "L1", "transfer", 30, 10, 5),
    ("R2", "2017-03-02", "L2", "transfer", 12, 8, 3),
    ("R3", "2017-04-01", "L9", "transfer", 1, 3, 2),
    ("R4", "2017-04-02", "L2", "reorder", 100, 0, None),
]
# (decision, day, location, action, automatic, final, hours): only people's last word on anomalies.
DECISIONS = [
    ("D1", "2017-03-01", "L1", "investigate", False, True, 4),
    ("D2", "2017-03-02", "L1", "investigate", False, True, 10),
    ("D3", "2017-03-02", "L2", "investigate", False, True, 7),
    ("D4", "2017-03-03", "L2", "investigate", False, False, 900),
    ("D5", "2017-03-03", "L2", "investigate", True, True, 0),
    ("D6", "2017-03-03", "L2", "reorder", False, True, 500),
]
MONTH, REGION = "metric_time__month", "location__region"
EXPECTED = {
    "transfer_margin_gained": {(): 22, (MONTH,): {"2017-03-01": 24, "2017-04-01": -2}, (REGION,): {"East": 20, "West": 4, None: -2}},
    "transfer_cost": {(): 10, (MONTH,): {"2017-03-01": 8, "2017-04-01": 2}, (REGION,): {"East": 5, "West": 3, None: 2}},
    "transfer_efficiency": {(): 2.2, (MONTH,): {"2017-03-01": 3, "2017-04-01": -1}, (REGION,): {"East": 4, "West": 4 / 3, None: -1}},
    "exception_resolution_hours": {(): 7, (MONTH,): {"2017-03-01": 7}, (REGION,): {"East": 7, "West": 7}},
}  # fmt: skip


@pytest.fixture(scope="module")
def query_metric(release_dir: Path, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("planted")
    path = folder / "warehouse.duckdb"
    con = duckdb.connect(str(path))
    source = folder / "released.duckdb"
    shutil.copyfile(release_dir / "warehouse.duckdb", source)
    con.execute(f"attach '{source}' as released (read_only)")
    for table in ("fct_decision_outcomes", "fct_decisions", "dim_location", "time_spine_daily"):
        con.execute(f"create table {table} as select * from released.main.{table} limit 0")
    con.execute("""insert into dim_location by name
        select unnest(['L1', 'L2']) as location_id, unnest(['East', 'West']) as region""")
    con.executemany(
        """insert into fct_decision_outcomes by name select ? as recommendation_id, cast(? as date) as date_day,
        ? as location_id, ? as action, ? as margin_decided, ? as margin_baseline, ? as action_cost""",
        OUTCOMES,
    )
    con.executemany(
        """insert into fct_decisions by name select ? as decision_id, cast(? as date) as date_day, ? as location_id,
        ? as action, ? as is_automatic, ? as is_final, ? as cycle_hours""",
        DECISIONS,
    )
    con.close()
    source.unlink()
    layer = SemanticLayer.from_manifest(str(release_dir / "semantic_manifest.json"))
    engine = Engine(path)

    def run(metric: str, groups: tuple[str, ...]) -> dict:
        compiled = layer.compile(MetricQuery(metrics=[metric], group_by=list(groups)), dialect="duckdb")
        rows = [list(r.values()) for r in engine.run(compiled).to_pylist()]
        return {
            (None if r[0] is None else str(r[0])[:10]) if groups else (): float(r[-1])
            for r in rows
            if r[-1] is not None
        }

    yield run
    engine.close()


def test_all_that_the_demo_lacks_is_here():
    assert EXPECTED.keys() == {name for name, oracle in ORACLES.items() if oracle.empty}


@pytest.mark.parametrize("metric", EXPECTED)
def test_counted_on_fingers(metric, query_metric):
    for groups, numbers in EXPECTED[metric].items():
        expected = {(): numbers} if groups == () else numbers
        assert query_metric(metric, groups) == pytest.approx(expected), groups
