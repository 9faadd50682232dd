"""What an ingest relies on, for each kind of source: a new kind is added to `KINDS` and to `source` here."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import create_engine, text

from integrations.contracts import contracts
from integrations.demo.recorded import RECORDED
from integrations.errors import SourceNotFoundError
from integrations.sources.named import DEMO, KINDS, source_named
from semantic.sql.quoting import literal

EXAMPLE = Path(__file__).resolve().parents[3] / "docs" / "examples" / "retailer"


def _database(folder: Path) -> str:
    """Suppliers and products of the example in SQLite."""
    url = f"sqlite:///{folder / 'retailer.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        for table in ("suppliers", "products"):
            rows = duckdb.sql(f"FROM read_csv({literal(EXAMPLE / table / 'all.csv')}, all_varchar = true)")
            connection.execute(text(f"CREATE TABLE {table} ({', '.join(rows.columns)})"))
            marks = ", ".join(f":{name}" for name in rows.columns)
            values = [dict(zip(rows.columns, row, strict=True)) for row in rows.fetchall()]
            connection.execute(text(f"INSERT INTO {table} VALUES ({marks})"), values)
    engine.dispose()
    return url


@pytest.fixture(params=["demo", "database", "csv folder", "parquet folder"])
def source(request, tmp_path):
    """Each kind, and how many of its batches are looked at: the demo's later ones are simulated."""
    if request.param == "demo":
        return source_named(DEMO), len(RECORDED)
    if request.param == "database":
        return source_named(_database(tmp_path)), None
    if request.param == "csv folder":
        return source_named(str(EXAMPLE)), None
    (tmp_path / "in" / "suppliers").mkdir(parents=True)
    rows = f"read_csv({literal(EXAMPLE / 'suppliers' / 'all.csv')})"
    target = literal(tmp_path / "in" / "suppliers" / "all.parquet")
    duckdb.sql(f"COPY (FROM {rows}) TO {target} (FORMAT parquet)")
    return source_named(str(tmp_path / "in")), None


def test_batches_name_tables_and_repeat_and_have_the_columns_of_their_contract(source, tmp_path):
    opened, count = source
    assert opened.name and opened.fingerprint() == opened.fingerprint()
    seen = []
    for turn in ("once", "again"):
        workspace = tmp_path / turn
        workspace.mkdir()
        with duckdb.connect() as connection:
            batches = list(islice(opened.batches(connection, workspace, lambda *_: None), count))
            for batch in batches:
                assert (batch.path is None) != (batch.relation is None) or batch.path.suffix == ".parquet"
                if batch.relation is not None:
                    described = connection.execute(f"DESCRIBE SELECT * FROM {batch.relation}").fetchall()
                    columns = {row[0] for row in described}
                    required = {c.name for c in contracts()[batch.table].columns if c.required}
                    assert required | {"_line"} <= columns, batch.label
        seen.append([(batch.table, batch.label, batch.content_id) for batch in batches])
    assert seen[0] == seen[1]
    assert len({(table, content) for table, _, content in seen[0]}) == len(seen[0]) > 0


def test_a_name_that_is_of_no_kind_is_refused_with_an_example_of_each():
    with pytest.raises(SourceNotFoundError) as raised:
        source_named("nowhere")
    assert all(kind.example in raised.value.hint for kind in KINDS)
