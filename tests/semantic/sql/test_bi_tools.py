# ruff: noqa: E501 - tables of cases read better in one line
"""What Superset, Metabase, Tableau, Power BI and Looker Studio write: each answers, or is refused in words.

Answers are held against SQL over the tables, written by hand. What stays refused is on the page of differences.
"""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest

from semantic import SemanticLayer, parse_semantic_sql
from semantic.errors import InvalidQueryError, SemanticError, UnsupportedError
from tests.conftest import ROOT
from tests.semantic.retailer import manifest

BY_DEPARTMENT = (
    "SELECT department, SUM(amount) FROM fct_sales LEFT JOIN dim_product USING (product_id) GROUP BY 1"
)
INNER = "SELECT product__department AS d, MEASURE(net_sales) AS s FROM metrics GROUP BY 1"
BY_MONTH = "SELECT DATE_TRUNC('month', date_day), SUM(amount) FROM fct_sales GROUP BY 1"

ANSWERED = [
    # Superset
    ("SELECT DATE_TRUNC('week', metric_time) AS __timestamp, MEASURE(net_sales) AS net_sales FROM metrics WHERE metric_time >= CAST('2024-02-01 00:00:00.000000' AS TIMESTAMP) AND metric_time < CAST('2024-04-01 00:00:00.000000' AS TIMESTAMP) GROUP BY DATE_TRUNC('week', metric_time) ORDER BY net_sales DESC LIMIT 1000",
     "SELECT DATE_TRUNC('week', date_day), SUM(amount) FROM fct_sales WHERE date_day >= '2024-02-01' GROUP BY 1"),
    ("SELECT product__department AS product__department, MEASURE(net_sales) AS s FROM metrics WHERE (product__department = 'GROCERY' OR product__department = 'DRUG') GROUP BY product__department ORDER BY s DESC LIMIT 100;",
     f"{BY_DEPARTMENT} HAVING department IS NOT NULL"),
    (f"SELECT COUNT(*) AS rowcount FROM ({INNER} LIMIT 1000) AS rowcount_qry", f"SELECT COUNT(*) FROM ({BY_DEPARTMENT})"),
    ("SELECT product__department FROM (SELECT product__department, MEASURE(net_sales) AS s FROM metrics GROUP BY 1;) AS virtual_table GROUP BY product__department LIMIT 10",
     f"SELECT department FROM ({BY_DEPARTMENT})"),
    (f"SELECT SUM(s * 2) AS t, SUM(CASE WHEN s > 6 THEN s ELSE 0 END) AS u FROM ({INNER}) AS virtual_table",
     f"SELECT SUM(s * 2), SUM(s) FILTER (WHERE s > 6) FROM ({BY_DEPARTMENT}) AS q(d, s)"),
    ("SELECT metric_time, MEASURE(net_sales) AS s FROM metrics WHERE metric_time > CURRENT_DATE - INTERVAL '30 days' GROUP BY 1",
     "SELECT date_day, SUM(amount) FROM fct_sales WHERE date_day > DATE '2024-03-01' - 30 GROUP BY 1"),
    # Metabase
    ('SELECT CAST(DATE_TRUNC(\'month\', "metrics"."metric_time") AS DATE) AS "metric_time", MEASURE("net_sales") AS "sum" FROM "metrics" GROUP BY CAST(DATE_TRUNC(\'month\', "metrics"."metric_time") AS DATE) ORDER BY CAST(DATE_TRUNC(\'month\', "metrics"."metric_time") AS DATE) ASC', BY_MONTH),
    ("SELECT (DATE_TRUNC('week', (metric_time + INTERVAL '1 day')) + INTERVAL '-1 day') AS w, MEASURE(net_sales) FROM metrics GROUP BY 1",
     "SELECT date_day - CAST(EXTRACT(dow FROM date_day) AS INTEGER), SUM(amount) FROM fct_sales GROUP BY 1"),
    ("SELECT EXTRACT(DOW FROM metric_time) + 1 AS d, MEASURE(net_sales) FROM metrics GROUP BY EXTRACT(DOW FROM metric_time) + 1",
     "SELECT EXTRACT(dow FROM date_day) + 1, SUM(amount) FROM fct_sales GROUP BY 1"),
    ("SELECT MEASURE(net_sales) FROM metrics WHERE metric_time >= DATE_TRUNC('month', NOW() + INTERVAL '-1 month') AND metric_time < DATE_TRUNC('month', NOW())",
     "SELECT SUM(amount) FROM fct_sales WHERE date_day BETWEEN '2024-02-01' AND '2024-02-29'"),
    (f'SELECT "source"."d" AS "d", SUM("source"."s") AS "sum" FROM ({INNER}) AS "source" WHERE "source"."s" > 6 GROUP BY "source"."d"',
     f"{BY_DEPARTMENT} HAVING SUM(amount) > 6"),
    ("WITH \"source\" AS (SELECT metric_time__month AS m, MEASURE(net_sales) AS s FROM metrics GROUP BY 1) SELECT MEDIAN(s), COUNT(*), MIN(m), MAX(m) FROM \"source\"",
     f"SELECT MEDIAN(s), COUNT(*), MIN(m), MAX(m) FROM ({BY_MONTH}) AS q(m, s)"),
    # Tableau
    ('SELECT "metrics"."product__department" AS "product__department", MEASURE("metrics"."net_sales") AS "sum:net_sales:ok" FROM "metrics" "metrics" GROUP BY 1', BY_DEPARTMENT),
    ('SELECT CAST(EXTRACT(YEAR FROM "metrics"."metric_time") AS INTEGER) AS "yr:metric_time:ok", CAST(EXTRACT(QUARTER FROM "metrics"."metric_time") AS INTEGER) AS "qr", MEASURE("net_sales") AS "s" FROM "metrics" "metrics" GROUP BY 1, 2 HAVING (COUNT(1) > 0)',
     "SELECT YEAR(date_day), QUARTER(date_day), SUM(amount) FROM fct_sales GROUP BY 1, 2"),
    ('SELECT CAST(DATE_TRUNC(\'MONTH\', CAST("metrics"."metric_time" AS TIMESTAMP)) AS DATE) AS "tmn:metric_time:ok", MEASURE("net_sales") FROM "metrics" GROUP BY 1', BY_MONTH),
    ('SELECT "metrics"."product__department" AS "d" FROM "metrics" "metrics" GROUP BY 1 HAVING (COUNT(*) >= 1)', "SELECT DISTINCT department FROM dim_product"),
    (f'SELECT MIN("t0"."s") AS "TEMP(a)", MAX("t0"."s") AS "TEMP(b)", COUNT(1) FROM ({INNER}) "t0" HAVING (COUNT(1) > 0)',
     f"SELECT MIN(s), MAX(s), COUNT(*) FROM ({BY_DEPARTMENT}) AS q(d, s)"),
    ("SELECT STRFTIME(metric_time, '%Y-%m') AS m, MEASURE(net_sales) FROM metrics GROUP BY 1", "SELECT STRFTIME(date_day, '%Y-%m'), SUM(amount) FROM fct_sales GROUP BY 1"),
    ("SELECT TO_CHAR(metric_time, 'YYYY-MM') AS m, MEASURE(net_sales) FROM metrics GROUP BY 1", "SELECT STRFTIME(date_day, '%Y-%m'), SUM(amount) FROM fct_sales GROUP BY 1"),
    ("SELECT TO_CHAR(metric_time, 'Mon YYYY') AS m, MEASURE(net_sales) FROM metrics GROUP BY 1", "SELECT STRFTIME(date_day, '%b %Y'), SUM(amount) FROM fct_sales GROUP BY 1"),
    # Power BI
    ("select product__department as c1, measure(net_sales) as a0 from metrics group by product__department order by a0 desc fetch first 1 rows only", f"{BY_DEPARTMENT} ORDER BY 2 DESC LIMIT 1"),
    ("SELECT product__department, MEASURE(net_sales) AS a0 FROM metrics GROUP BY product__department ORDER BY a0 DESC OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY", f"{BY_DEPARTMENT} ORDER BY 2 DESC LIMIT 1 OFFSET 1"),
    ("SELECT \"_\".\"d\", \"_\".\"s\" FROM (SELECT product__department AS \"d\", MEASURE(net_sales) AS \"s\" FROM metrics GROUP BY product__department) \"_\" WHERE NOT \"_\".\"s\" IS NULL AND \"_\".\"s\" <> 0", BY_DEPARTMENT),
    ("SELECT DATEADD(day, 1 - EXTRACT(DAY FROM metric_time), metric_time) AS m, MEASURE(net_sales) FROM metrics GROUP BY 1", BY_MONTH),
    ("SELECT MEASURE(net_sales) FROM metrics WHERE metric_time >= DATEADD(day, -2, CURRENT_DATE) AND metric_time <= GETDATE()", "SELECT SUM(amount) FROM fct_sales WHERE date_day BETWEEN '2024-02-28' AND '2024-03-01'"),
    ("SELECT product__department AS d, MEASURE(net_sales) AS s FROM metrics GROUP BY d HAVING d = 'DRUG' OR s > 100", f"{BY_DEPARTMENT} HAVING department IS NOT NULL"),
    ("SELECT DATE_TRUNC('month', metric_time) AS m FROM metrics GROUP BY m HAVING m >= DATE '2024-03-01'", "SELECT DATE '2024-03-01'"),
    ("SELECT product__department, MEASURE(net_sales) AS a0 FROM metrics GROUP BY 1 ORDER BY a0 DESC OFFSET 5", f"{BY_DEPARTMENT} LIMIT 0"),
    # Looker Studio
    ("SELECT FORMAT_DATE('%Y%m', metric_time) AS m, MEASURE(net_sales) FROM metrics GROUP BY m ORDER BY m ASC LIMIT 10", "SELECT STRFTIME(date_day, '%Y%m'), SUM(amount) FROM fct_sales GROUP BY 1"),
    ("SELECT t0.product__department AS t0_d, MEASURE(t0.net_sales) AS t0_s FROM metrics AS t0 WHERE (t0.metric_time >= DATE_SUB(CURRENT_DATE(), INTERVAL 28 DAY)) GROUP BY t0_d HAVING t0_s > 4",
     "SELECT department, SUM(amount) FROM fct_sales LEFT JOIN dim_product USING (product_id) WHERE date_day >= '2024-02-02' GROUP BY 1 HAVING SUM(amount) > 4"),
    ("SELECT CASE WHEN (product__department IN ('GROCERY')) THEN 'food' ELSE 'rest' END AS g, MEASURE(net_sales) FROM metrics GROUP BY g",
     "SELECT IF(department = 'GROCERY', 'food', 'rest'), SUM(amount) FROM fct_sales LEFT JOIN dim_product USING (product_id) GROUP BY 1"),
]  # fmt: skip

REFUSED = {
    "an aggregate over `metrics` other than `MEASURE`": [
        ("SELECT SUM(net_sales) FROM metrics", "MEASURE(net_sales)"),
        ("SELECT SUM(CASE WHEN product__department = 'GROCERY' THEN net_sales ELSE 0 END) FROM metrics", "MEASURE(net_sales)"),
        ("SELECT product__department, SUM(net_sales * 2) FROM metrics GROUP BY 1", "MEASURE(net_sales)"),
        ("SELECT SUM(1) AS \"Number of Records\" FROM metrics", "SELECT COUNT(*) FROM (SELECT"),
        ("SELECT product__department, COUNT(*) FROM metrics GROUP BY 1 HAVING COUNT(*) > 1", "SELECT COUNT(*) FROM (SELECT"),
        ("SELECT COUNT(DISTINCT product__department) FROM metrics", "COUNT(DISTINCT product__department) FROM (SELECT product__department FROM"),
        ("SELECT MIN(metric_time), MAX(metric_time) FROM metrics", "SELECT MIN(metric_time) FROM (SELECT metric_time, MEASURE("),
        ("SELECT product__department FROM metrics GROUP BY 1 HAVING SUM(net_sales) > 1", "MEASURE("),
    ],
    "`SELECT *` over `metrics`": [("SELECT * FROM metrics LIMIT 0", "MEASURE"), ("SELECT 1 FROM metrics LIMIT 1", "MEASURE")],
    "window functions": [
        (f"SELECT d, s / SUM(s) OVER () AS share FROM ({INNER}) AS q", "plain functions"),
        (f"SELECT d, ROW_NUMBER() OVER (ORDER BY s DESC) AS r FROM ({INNER}) AS q", "plain functions"),
    ],
    "joins, unions and queries within conditions": [
        (f"SELECT q.d FROM ({INNER}) AS q JOIN (SELECT product__department AS d FROM metrics GROUP BY 1 LIMIT 5) AS top ON q.d = top.d", "FROM metrics"),
        (f"{INNER} UNION ALL {INNER}", "SELECT … FROM metrics"),
        ("SELECT MEASURE(net_sales) FROM metrics WHERE product__department IN (SELECT product__department FROM metrics)", "Write the values"),
    ],
    "`ROLLUP`, `CUBE`, `GROUPING SETS`": [("SELECT product__department, MEASURE(net_sales) FROM metrics GROUP BY ROLLUP(product__department)", "each level")],
    "`FILTER` and `WITHIN GROUP` after an aggregate": [
        (f"SELECT COUNT(*) FILTER (WHERE s > 6) FROM ({INNER}) AS q", "CASE"),
        (f"SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY s) FROM ({INNER}) AS q", "plain functions"),
    ],
    "`TOP` and names in square brackets": [
        ("SELECT TOP 1 product__department, MEASURE(net_sales) FROM metrics GROUP BY 1", "SELECT … FROM metrics"),
        ("SELECT MEASURE([net_sales]) AS [a0] FROM [metrics]", "SELECT … FROM metrics"),
    ],
    "formats and functions that are not known": [
        ("SELECT TO_CHAR(metric_time, 'YYYY-\"Q\"Q') AS q, MEASURE(net_sales) FROM metrics GROUP BY 1", "EXTRACT(QUARTER"),
        ("SELECT TO_CHAR(metric_time, 'MONTH') AS q, MEASURE(net_sales) FROM metrics GROUP BY 1", "STRFTIME"),
        ("SELECT metric_time + INTERVAL 1 FOO AS w, MEASURE(net_sales) FROM metrics GROUP BY 1", "INTERVAL 7 DAY"),
        ("SELECT MEASURE(net_sales) FROM metrics WHERE metric_time > NOW() - INTERVAL '1 foo'", "INTERVAL 7 DAY"),
        ("SELECT MEASURE(net_sales) FROM metrics WHERE metric_time AT TIME ZONE 'Mars/Olympus' > '2024-01-01'", "Europe/Paris"),
        ("SELECT YEARWEEK(metric_time) AS w, MEASURE(net_sales) FROM metrics GROUP BY 1", "plain functions"),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def today() -> SemanticLayer:
    return SemanticLayer.from_dict(manifest(), as_of=dt.date(2024, 3, 1))


@pytest.mark.parametrize(("sql", "by_hand"), ANSWERED)
def test_it_answers(today: SemanticLayer, tables: duckdb.DuckDBPyConnection, sql: str, by_hand: str) -> None:
    answer = tables.execute(parse_semantic_sql(today, sql).sql).fetchall()
    assert sorted(map(_plain, answer)) == sorted(map(_plain, tables.execute(by_hand).fetchall()))


def _plain(row: tuple[object, ...]) -> list[str]:
    texts = []
    for value in row:
        if isinstance(value, dt.date):
            texts.append(f"{value:%Y-%m-%d}")
        else:
            texts.append(f"{float(value):.6g}" if isinstance(value, (int, float)) else str(value))
    return texts


@pytest.mark.parametrize(("sql", "hint"), [pair for pairs in REFUSED.values() for pair in pairs])
def test_it_is_refused_with_what_to_write(today: SemanticLayer, sql: str, hint: str) -> None:
    with pytest.raises((InvalidQueryError, UnsupportedError)) as refused:
        parse_semantic_sql(today, sql)
    assert hint in refused.value.hint


def test_what_a_hint_says_answers(today: SemanticLayer, tables: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(SemanticError) as refused:
        parse_semantic_sql(today, "SELECT COUNT(DISTINCT product__department) FROM metrics")
    hinted = refused.value.hint.partition(": ")[2].rstrip(".")
    assert tables.execute(parse_semantic_sql(today, hinted).sql).fetchall() == [(2,)]


def test_every_refusal_is_on_the_page_of_differences() -> None:
    page = " ".join((ROOT / "docs" / "semantic-differences.md").read_text().split())
    assert [kind for kind in REFUSED if kind not in page] == []
