# ruff: noqa: E501 - tables of cases read better in one line
"""Ten thousand hostile strings: each is refused, or ends up as a literal and changes nothing else."""

from __future__ import annotations

import random

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from semantic import MetricQuery, SemanticLayer, parse_semantic_sql
from semantic.errors import SemanticError
from semantic.sql.quoting import literal
from tests.seeds import seeded

from ..retailer import database

PIECES = [
    "'", '"', ";", "--", "/*", "*/", "DROP TABLE fct_sales", "UNION SELECT 1", " OR 1=1", "{{", "}}", ")", "(", "\\",
    "\x00", "$1", "?", "read_csv('/etc/passwd')", "__", "Dimension('a')", "metric_time", "net_sales", "%", "é", "\n",
    "SELECT", "FROM", "fct_sales", "ATTACH 'x'", "getenv('HOME')", "`", "[", "]", "::", "COPY", "1", "{%", "__import__('os')",
]  # fmt: skip
SHAPES = 10_000


def _hostile(rng: random.Random) -> str:
    return "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 6)))


def _execute(tables: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Run it: a word and a number may not go together, nothing else may fail."""
    try:
        tables.execute(sql)
    except (duckdb.ConversionException, duckdb.OutOfRangeException):
        pass
    except duckdb.BinderException as error:
        assert "argument types" in str(error) or "Cannot" in str(error), f"{error}\n{sql}"


def _skeleton(sql: str) -> str:
    """The SQL with its literals blanked."""
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    for node in list(tree.find_all(exp.Literal)):
        node.replace(exp.Literal.string("x"))
    return tree.sql("duckdb")


def test_hostile_strings(layer: SemanticLayer) -> None:
    rng = seeded()
    good = layer.compile(MetricQuery(metrics=["net_sales"], where=["product__department = 'x'"])).sql
    skeleton = _skeleton(good)
    tables = database()
    literals = 0
    for i in range(SHAPES):
        text = _hostile(rng)
        queries = [
            MetricQuery(metrics=[text]),
            MetricQuery(metrics=["net_sales"], group_by=[text]),
            MetricQuery(metrics=["net_sales"], where=[text]),
            MetricQuery(metrics=["net_sales"], order_by=[text]),
            MetricQuery(metrics=["net_sales"], limit=text),  # type: ignore[arg-type]
            MetricQuery(metrics=["net_sales"], time_constraint=(text, text)),
            MetricQuery(metrics=["net_sales"], where=[f"product__department = {literal(text)}"]),
        ]
        query = queries[i % len(queries)]
        try:
            sql = layer.compile(query).sql
        except SemanticError:
            continue
        if i % len(queries) == 6:
            literals += 1
            assert _skeleton(sql) == skeleton, text
        assert sqlglot.parse_one(sql, dialect="duckdb").find(exp.DDL, exp.DML, exp.Command) is None
        _execute(tables, sql)
    assert literals > SHAPES // 20
    assert tables.execute("SELECT COUNT(*) FROM fct_sales").fetchone() == (8,)


def test_hostile_semantic_sql(layer: SemanticLayer) -> None:
    rng = seeded(11)
    tables = database()
    for i in range(1000):
        text = _hostile(rng)
        shapes = [
            f"SELECT MEASURE(net_sales) FROM metrics WHERE {text}",
            f"SELECT MEASURE(net_sales) AS {text} FROM metrics",
            f"SELECT MEASURE({text}) FROM metrics",
            f"SELECT {text} FROM metrics GROUP BY ALL",
            f"SELECT MEASURE(net_sales) FROM metrics ORDER BY {text}",
        ]
        try:
            sql = parse_semantic_sql(layer, shapes[i % len(shapes)]).sql
        except SemanticError:
            continue
        tree = sqlglot.parse_one(sql, dialect="duckdb")
        tables_read = {t.name for t in tree.find_all(exp.Table)} - {c.alias for c in tree.find_all(exp.CTE)}
        assert tables_read <= {"fct_sales", "dim_product", "time_spine"}, (text, sql)
        _execute(tables, sql)
    assert tables.execute("SELECT COUNT(*) FROM fct_sales").fetchone() == (8,)


def test_a_cast_to_a_type_of_ones_own_is_refused(layer: SemanticLayer) -> None:
    with pytest.raises(SemanticError, match="unknown type"):
        layer.compile(MetricQuery(metrics=["net_sales"], where=["metric_time::secret = 'x'"]))
