# ruff: noqa: E501 — hand-written SQL stands in one piece
"""Balances where most tools err: products missing on the last day, periods that end unevenly, stores that open or close.

The marts are made by hand in a copy of the released schema, so each number can be counted on fingers.
"""

import shutil
from pathlib import Path

import duckdb
import pytest

from semantic import Engine, MetricQuery, SemanticLayer

# (day, location, product, units): B has no row on the last day of January; L2 reports until the 30th only;
# L3 opens in February; L4 closes with its stock cleared to zero.
ROWS = [
    ("2017-01-30", "L1", "A", 5),
    ("2017-01-31", "L1", "A", 7),
    ("2017-01-30", "L1", "B", 4),
    ("2017-01-29", "L2", "A", 9),
    ("2017-01-30", "L2", "A", 3),
    ("2017-01-15", "L4", "A", 6),
    ("2017-01-20", "L4", "A", 0),
    ("2017-02-01", "L1", "A", 2),
    ("2017-02-27", "L3", "B", 8),
]


@pytest.fixture(scope="module")
def query_metric(release_dir: Path, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("traps")
    path = folder / "warehouse.duckdb"
    con = duckdb.connect(str(path))
    source = folder / "released" / "warehouse.duckdb"
    source.parent.mkdir()
    shutil.copyfile(release_dir / "warehouse.duckdb", source)
    con.execute(f"attach '{source}' as released (read_only)")
    tables = ("fct_inventory_daily", "dim_product", "dim_location", "time_spine_daily")
    for table in tables:
        keep = "" if table == "time_spine_daily" else "limit 0"
        con.execute(f"create table {table} as select * from released.main.{table} {keep}")
    con.execute(
        "insert into dim_product by name select unnest(['A', 'B']) as product_id, 'GROCERY' as department"
    )
    con.execute("""insert into dim_location by name
        select unnest(['L1', 'L2', 'L3', 'L4']) as location_id, unnest(['East', 'West', 'East', 'West']) as region""")
    con.executemany(
        """insert into fct_inventory_daily by name select cast(? as date) as date_day, ? as location_id, ? as product_id,
        cast(? as integer) as on_hand_units, 1 as inventory_value, true as is_ranged""",
        ROWS,
    )
    con.execute("""update fct_inventory_daily as f set next_count_day = (
        select min(date_day) from fct_inventory_daily as later where later.date_day > f.date_day
        and later.location_id = f.location_id and later.product_id = f.product_id)""")
    con.close()
    source.unlink()
    layer = SemanticLayer.from_manifest(str(release_dir / "semantic_manifest.json"))
    engine = Engine(path)

    def run(metric: str, *groups: str) -> dict[tuple, float]:
        compiled = layer.compile(MetricQuery(metrics=[metric], group_by=list(groups)), dialect="duckdb")
        rows = [[str(v)[:10] for v in r.values()] for r in engine.run(compiled).to_pylist()]
        return {tuple(r[:-1]): float(r[-1]) for r in rows}

    yield run
    engine.close()


def test_missing_on_the_last_day_does_not_vanish(query_metric):
    """January: A at L1 7, B at L1 4 from the day before, A at L2 3 from its own last day, L4 cleared."""
    assert query_metric("inventory_on_hand_units", "metric_time__month")[("2017-01-01",)] == 14


def test_each_location_ends_on_its_own_day(query_metric):
    by = query_metric("inventory_on_hand_units", "metric_time__month", "location__region")
    assert by[("2017-01-01", "East")] == 11
    assert by[("2017-01-01", "West")] == 3


def test_opened_and_closed_locations(query_metric):
    by = query_metric("inventory_on_hand_units", "metric_time__month", "location__region")
    assert by[("2017-02-01", "East")] == 10
    assert ("2017-02-01", "West") not in by


def test_a_year_is_the_last_known_of_every_pair(query_metric):
    """A at L1 2, B at L1 4, A at L2 3, A at L4 0, B at L3 8."""
    assert query_metric("inventory_on_hand_units") == {(): 17}
    assert query_metric("inventory_on_hand_units", "metric_time__year") == {("2017-01-01",): 17}
