"""What lineage says a model reads is what it reads: no column less, no column more."""

import duckdb
import pytest

from models_ml.demand.censoring import empty_days_from
from models_ml.demand.cold_start import cold_start_series_from
from models_ml.demand.panel import TIERS, panel_from
from models_ml.demand.reads import demand_reads
from semantic.sql.quoting import literal


def _copy(release_dir, columns):
    con = duckdb.connect()
    con.execute(f"ATTACH {literal(release_dir / 'warehouse.duckdb')} AS w (READ_ONLY)")
    for table in {table for table, _ in columns}:
        names = ", ".join(sorted(name for of, name in columns if of == table))
        where = " WHERE location_id = (SELECT min(location_id) FROM w.feat_demand_product_week)"
        keyed = (table, "location_id") in columns
        con.execute(f"CREATE VIEW {table} AS SELECT {names} FROM w.{table}{where if keyed else ''}")
    return con


def _read(con):
    """Everything that fit and scoring read; the series of each tier."""
    panels = {tier: panel_from(con, tier) for tier in TIERS}
    for tier in TIERS:
        cold_start_series_from(con, tier)
    empty_days_from(con, panels["product"])
    return [len(panel.items) for panel in panels.values()]


def test_the_named_columns_are_enough(release_dir):
    with _copy(release_dir, demand_reads()) as con:
        assert min(_read(con)) > 0


@pytest.mark.parametrize("column", sorted(demand_reads()))
def test_each_named_column_is_needed(release_dir, column):
    with _copy(release_dir, demand_reads() - {column}) as con, pytest.raises(duckdb.Error):
        _read(con)
