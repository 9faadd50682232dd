# ruff: noqa: E501 - tables of cases read better in one line
"""Semantic SQL: the shapes that BI tools send, and what is refused."""

from __future__ import annotations

import duckdb
import pytest

from semantic import Restriction, RowRule, SemanticLayer, parse_semantic_sql
from semantic.errors import SemanticError

DEPARTMENTS = {("GROCERY", 115.0), ("DRUG", 5.0), (None, 10.0)}


@pytest.mark.parametrize(
    ("sql", "columns", "rows"),
    [
        ("SELECT product__department, MEASURE(net_sales) FROM metrics GROUP BY product__department",
         ["product__department", "net_sales"], DEPARTMENTS),
        ('SELECT "product__department" AS "d", MEASURE("net_sales") AS "s" FROM "metrics" GROUP BY ALL', ["d", "s"], DEPARTMENTS),
        ("SELECT product__department, MEASURE(net_sales) AS s FROM main.metrics GROUP BY 1", ["product__department", "s"], DEPARTMENTS),
        ("SELECT DATE_TRUNC('MONTH', metric_time) AS metric_time, MEASURE(net_sales) AS s FROM metrics"
         " WHERE metric_time >= CAST('2024-02-01' AS TIMESTAMP) AND metric_time < CAST('2024-02-29' AS TIMESTAMP)"
         " GROUP BY DATE_TRUNC('MONTH', metric_time) LIMIT 100", ["metric_time", "s"], {("2024-02-01", 45.0)}),
        ("SELECT product__department AS d, MEASURE(net_sales) AS s FROM metrics"
         " WHERE product__department = 'GROCERY' OR product__department = 'DRUG' GROUP BY product__department",
         ["d", "s"], {("GROCERY", 115.0), ("DRUG", 5.0)}),
        ("SELECT CASE WHEN (product__department = 'DRUG') THEN product__department ELSE 'Others' END AS product__department,"
         " MEASURE(active_customers) AS c FROM metrics GROUP BY"
         " CASE WHEN (product__department = 'DRUG') THEN product__department ELSE 'Others' END",
         ["product__department", "c"], {("DRUG", 1), ("Others", 3)}),
        ("SELECT product__department FROM metrics GROUP BY product__department ORDER BY MEASURE(net_sales) DESC LIMIT 1",
         ["product__department"], {("GROCERY",)}),
        ("SELECT DISTINCT location__region AS column_values FROM metrics", ["column_values"], {("East",), ("West",)}),
        ("SELECT MEASURE(net_sales) AS s FROM metrics WHERE product__department IN ('DRUG') AND NOT product__brand IN ('own')"
         " AND LOWER(product__brand) LIKE LOWER('%IG%') AND NOT product__brand IS NULL AND product__brand <> 'x'",
         ["s"], {(5.0,)}),
        ("SELECT product__department AS d, MEASURE(net_sales) AS s FROM metrics GROUP BY 1 HAVING ( MEASURE(net_sales) > 6 )",
         ["d", "s"], {("GROCERY", 115.0), (None, 10.0)}),
        ("SELECT COUNT(*) AS rowcount FROM (SELECT product__department AS d, MEASURE(net_sales) AS s FROM metrics"
         " GROUP BY product__department) AS rowcount_qry", ["rowcount"], {(3,)}),
        ("SELECT product__department, location__region FROM metrics WHERE false", ["product__department", "location__region"], set()),
        ("SELECT 1 AS anon_1 FROM metrics WHERE (product__department = 'x') AND false", ["anon_1"], set()),
        ("SELECT MEASURE(net_sales) / MEASURE(units_sold) AS price FROM metrics", ["price"], {(8.666667,)}),
        ("SELECT product__department FROM metrics LIMIT 1000", ["product__department"], {("GROCERY",), ("DRUG",)}),
        ("SELECT product__department FROM metrics GROUP BY ALL ORDER BY MEASURE(net_sales) DESC LIMIT 2 OFFSET 1",
         ["product__department"], {(None,), ("DRUG",)}),
        ("SELECT DATE_TRUNC('WEEK', metric_time) AS __timestamp, CASE WHEN (product__department = 'DRUG' OR product__department = 'X')"
         " THEN product__department ELSE 'Others' END AS product__department, MEASURE(net_sales) AS net_sales FROM metrics"
         " WHERE metric_time >= CAST('2024-01-29' AS DATE) AND metric_time < CAST('2024-02-05' AS DATE)"
         " GROUP BY DATE_TRUNC('WEEK', metric_time), CASE WHEN (product__department = 'DRUG' OR product__department = 'X')"
         " THEN product__department ELSE 'Others' END ORDER BY net_sales DESC LIMIT 10000",
         ["__timestamp", "product__department", "net_sales"], {("2024-01-29", "Others", 30.0), ("2024-01-29", "DRUG", 5.0)}),
        ("SELECT COUNT(*) AS rowcount FROM (SELECT DATE_TRUNC('MONTH', metric_time) AS m, MEASURE(net_sales) AS s FROM metrics"
         " GROUP BY DATE_TRUNC('MONTH', metric_time) LIMIT 2) AS rowcount_qry LIMIT 1000", ["rowcount"], {(2,)}),
        ("SELECT product__department, product__brand FROM metrics LIMIT 1000", ["product__department", "product__brand"],
         {("GROCERY", "own"), ("GROCERY", "big"), ("DRUG", "big")}),
        ("SELECT 1 AS anon_1 FROM metrics WHERE (product__department = 'x') AND 1 = 0", ["anon_1"], set()),
        ("SELECT MEASURE(net_sales) AS s FROM metrics WHERE false", ["s"], set()),
        ("SELECT m.product__department AS d, MEASURE(net_sales) / NULLIF(MEASURE(units_sold), 0) AS r FROM metrics AS m GROUP BY 1"
         " HAVING MEASURE(net_sales) / NULLIF(MEASURE(units_sold), 0) > 6", ["d", "r"], {("GROCERY", 9.583333)}),
        ("SELECT product__department AS d, MEASURE(net_sales) AS s FROM metrics WHERE LOWER(product__department) LIKE LOWER('%ruG%')"
         " AND NOT product__department IN ('GROCERY') GROUP BY d", ["d", "s"], {("DRUG", 5.0)}),
        ("SELECT DATE_TRUNC('MONTH', metric_time) AS metric_time, MEASURE(net_sales) AS s FROM metrics GROUP BY 1"
         " ORDER BY metric_time DESC LIMIT 1", ["metric_time", "s"], {("2024-03-01", 48.0)}),
        ("SELECT d, SUM(s) AS t FROM (SELECT product__department AS d, metric_time__month AS m, MEASURE(net_sales) AS s FROM metrics"
         " GROUP BY 1, 2) AS virtual_table WHERE s > 2 GROUP BY d HAVING SUM(s) > 6 ORDER BY t DESC", ["d", "t"],
         {("GROCERY", 115.0), (None, 10.0)}),
        ("SELECT * FROM (SELECT metric_time__month AS m, MEASURE(net_sales) AS s FROM metrics GROUP BY 1) AS v"
         " WHERE s > 40 ORDER BY s DESC LIMIT 1", ["m", "s"], {("2024-02-01", 52.0)}),
        ("WITH q AS (SELECT product__department AS d, MEASURE(net_sales) AS s FROM metrics GROUP BY 1) SELECT d FROM q WHERE s > 100",
         ["d"], {("GROCERY",)}),
        ("SELECT product__department AS d, MEASURE(net_sales) AS s FROM metrics GROUP BY 1 HAVING COUNT(1) > 0", ["d", "s"], DEPARTMENTS),
        ("SELECT product__department AS d, MEASURE(net_sales) AS net_sales FROM metrics GROUP BY d HAVING net_sales > 6",
         ["d", "net_sales"], {("GROCERY", 115.0), (None, 10.0)}),
        ("SELECT SUM(CASE WHEN s > 6 THEN 1 ELSE 0 END) AS many, SUM(s * 2) AS t, COUNT(1) AS n, MEDIAN(s) AS m, SUM(s) / COUNT(*) AS a"
         " FROM (SELECT product__department AS d, MEASURE(net_sales) AS s FROM metrics GROUP BY 1) AS q",
         ["many", "t", "n", "m", "a"], {(2, 260.0, 3, 10.0, 43.333333)}),
        ("SELECT size, COUNT(*) AS n FROM (SELECT CASE WHEN s > 6 THEN 'big' ELSE 'small' END AS size FROM (SELECT product__department AS d,"
         " MEASURE(net_sales) AS s FROM metrics GROUP BY 1) AS q) AS r GROUP BY size HAVING n > 1", ["size", "n"], {("big", 2)}),
        ("SELECT d AS e, SUM(s) AS t FROM (SELECT product__department AS d, MEASURE(net_sales) AS s FROM metrics GROUP BY 1) AS q"
         " GROUP BY e HAVING t > 6", ["e", "t"], {("GROCERY", 115.0), (None, 10.0)}),
        ("SELECT TO_CHAR(metric_time, 'YYYY-MM') AS m, MEASURE(net_sales) AS s FROM metrics GROUP BY 1 ORDER BY 1 FETCH FIRST 1 ROWS ONLY",
         ["m", "s"], {("2024-01", 30.0)}),
        ("SELECT STRFTIME(metric_time, '%Y-%m') AS m, MEASURE(inventory_on_hand_units) AS s FROM metrics GROUP BY 1 ORDER BY 1 LIMIT 1",
         ["m", "s"], {("2024-01", 28)}),
        ("SELECT * FROM (SELECT product__department AS d, MEASURE(net_sales) AS s FROM metrics GROUP BY 1;) AS q WHERE s > 100;",
         ["d", "s"], {("GROCERY", 115.0)}),
        ('SELECT "S", "s" FROM (SELECT MEASURE(net_sales) AS "S", MEASURE(units_sold) AS "s" FROM metrics) AS q', ["S", "s"], {(130.0, 15)}),
        ('SELECT * FROM (SELECT MEASURE(net_sales) AS "S", MEASURE(units_sold) AS "s" FROM metrics) AS q', ["S", "s"], {(130.0, 15)}),
    ],
)  # fmt: skip
def test_shapes(
    layer: SemanticLayer, tables: duckdb.DuckDBPyConnection, sql: str, columns: list[str], rows: set[object]
) -> None:
    compiled = parse_semantic_sql(layer, sql)
    cursor = tables.execute(compiled.sql)
    assert [d[0] for d in cursor.description] == columns == [c.name for c in compiled.columns]
    answers = {tuple(_plain(v) for v in row) for row in cursor.fetchall()}
    assert answers == rows


def _plain(value: object) -> object:
    if hasattr(value, "strftime"):
        return value.strftime("%Y-%m-%d")
    return round(value, 6) if isinstance(value, float) else value


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT MEASURE(net_sales) FILTER (WHERE product__department = 'DRUG') FROM metrics", "SELECT COUNT(*) FROM metrics",
        "SELECT MIN(metric_time) FROM metrics", "SELECT product__department FROM metrics GROUP BY ROLLUP (product__department)",
        "SELECT MEASURE(net_sales) FROM metrics WHERE EXISTS (SELECT 1)", "SELECT MEASURE(net_sales) FROM metrics LIMIT (SELECT 1)",
        "SELECT MEASURE(net_sales) AS s FROM metrics ORDER BY (SELECT 1)", "SELECT MEASURE(net_sales) FROM metrics WHERE list_sum([1]) = 1",
        "SELECT DISTINCT ON (product__department) product__department FROM metrics", "SELECT MEASURE(net_sales) FROM metrics QUALIFY true",
        "SELECT * FROM metrics", "SELECT net_sales FROM metrics", "SELECT SUM(net_sales) FROM metrics",
        "SELECT MEASURE(net_sales) FROM fct_sales", "SELECT MEASURE(net_sales) FROM metrics JOIN x ON true",
        "SELECT MEASURE(net_sales) FROM metrics, dim_product", "DROP TABLE fct_sales", "SELECT 1; SELECT 2",
        "SELECT MEASURE(net_sales) FROM metrics UNION SELECT 1", "WITH a AS (SELECT 1) SELECT MEASURE(net_sales) FROM metrics",
        "SELECT MEASURE(net_sales), read_text('/etc/passwd') FROM metrics", "SELECT MEASURE(a, b) FROM metrics",
        "SELECT MEASURE(net_sales) FROM metrics WHERE product__department = (SELECT 1)",
        "SELECT product__department, MEASURE(net_sales) FROM metrics", "SELECT MEASURE(net_sales) FROM metrics WHERE MEASURE(net_sales) > 1",
        "SELECT MEASURE(net_sales) FROM metrics LIMIT 1 + 1", "SELECT MEASURE(nets) FROM metrics", "SELECT ?", "", "SELECT 1",
        "SELECT getenv('HOME') FROM (SELECT MEASURE(net_sales) AS s FROM metrics) AS v", "COPY metrics TO 'x'",
        "SELECT x.secret FROM (SELECT MEASURE(net_sales) AS s FROM metrics) AS x",
        "SELECT MEASURE(net_sales) OVER () FROM metrics", "SELECT * FROM (SELECT * FROM fct_sales) AS t",
        "SELECT MEASURE(net_sales) FROM metrics TABLESAMPLE 10%", "FROM metrics",
        "SELECT SUM(SUM(s)) FROM (SELECT MEASURE(net_sales) AS s FROM metrics) AS v", "SELECT MAX(getenv('HOME')) FROM (SELECT MEASURE(net_sales) AS s FROM metrics) AS v",
        "WITH a AS (SELECT MEASURE(net_sales) AS s FROM metrics), b AS (SELECT s FROM a) SELECT s FROM b",
        "WITH RECURSIVE a AS (SELECT MEASURE(net_sales) AS s FROM metrics) SELECT s FROM a", "WITH a AS (SELECT MEASURE(net_sales) AS s FROM metrics) SELECT s FROM c",
        "SELECT product__department, MEASURE(net_sales) FROM metrics GROUP BY 1 HAVING COUNT(1) > 1",
        'SELECT S FROM (SELECT MEASURE(net_sales) AS "s", MEASURE(units_sold) AS "Σ", MEASURE(units_sold) AS "s " FROM metrics GROUP BY x) AS q',
        "SELECT COUNT((SELECT 1)) FROM (SELECT MEASURE(net_sales) AS s FROM metrics) AS v",
        "SELECT MEASURE(net_sales) AS s FROM metrics ORDER BY 's'", "SELECT MEASURE(net_sales) AS s FROM metrics ORDER BY NULL",
        "SELECT s FROM (SELECT MEASURE(net_sales) AS s FROM metrics) AS v ORDER BY ''",
    ],
)  # fmt: skip
def test_everything_else_is_refused(layer: SemanticLayer, sql: str) -> None:
    with pytest.raises(SemanticError):
        parse_semantic_sql(layer, sql)


def test_restriction_holds(layer: SemanticLayer, tables: duckdb.DuckDBPyConnection) -> None:
    east = Restriction(rows=(RowRule("location", "region = 'East'"),))
    compiled = parse_semantic_sql(layer, "SELECT MEASURE(net_sales) FROM metrics", east)
    assert tables.execute(compiled.sql).fetchall() == [(40.0,)]


@pytest.mark.parametrize(
    ("sql", "hint"),
    [
        ("SELECT SUM(net_sales) FROM metrics", "MEASURE(net_sales)"),
        ("SELECT COUNT(*) FROM metrics", "SELECT COUNT(*) FROM (SELECT"),
        ("SELECT MIN(metric_time) FROM metrics", "SELECT MIN(metric_time) FROM (SELECT"),
        ("SELECT dep FROM (SELECT product__department AS d FROM metrics) AS q", "d"),
    ],
)
def test_a_hint_says_what_to_write(layer: SemanticLayer, sql: str, hint: str) -> None:
    with pytest.raises(SemanticError) as refused:
        parse_semantic_sql(layer, sql)
    assert hint in refused.value.hint
