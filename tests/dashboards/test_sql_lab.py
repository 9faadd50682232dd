"""SQL Lab as an attacker's door: nothing comes through it that the API refuses, and nothing else besides."""

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from semantic.sql.quoting import literal
from tests.dashboards.site import token

TOTAL = "SELECT MEASURE(net_sales) AS n FROM metrics"
REFUSED = {
    "a fact table": "SELECT * FROM fct_sales_lines",
    "a fact table by its full name": 'SELECT * FROM "warehouse"."main"."fct_sales_lines"',
    "a table beside": "SELECT MEASURE(net_sales) FROM metrics, dim_customer",
    "everything": "SELECT * FROM metrics",
    "columns(*)": "SELECT COLUMNS(*), MEASURE(net_sales) FROM metrics GROUP BY ALL",
    "columns by pattern": "SELECT COLUMNS('.*id'), MEASURE(net_sales) FROM metrics GROUP BY ALL",
    "a row as json": "SELECT to_json(metrics), MEASURE(net_sales) FROM metrics GROUP BY ALL",
    "a row as a struct": "SELECT struct_pack(a := metrics), MEASURE(net_sales) FROM metrics GROUP BY ALL",
    "an alias of a table": "SELECT c.customer_id FROM dim_customer AS c",
    "a column of the mart": "SELECT metrics.customer_id, MEASURE(net_sales) FROM metrics GROUP BY 1",
    "a join": f"{TOTAL} JOIN dim_customer ON true",
    "a natural join": f"{TOTAL} NATURAL JOIN dim_customer",
    "a lateral join": "SELECT * FROM ("
    + TOTAL
    + ") AS a, LATERAL (SELECT customer_id FROM dim_customer) AS b",
    "an unnest": "SELECT unnest(list(customer_id)) FROM dim_customer",
    "a subquery in WHERE": f"{TOTAL} WHERE location__region IN (SELECT region FROM dim_location)",
    "EXISTS": f"{TOTAL} WHERE EXISTS (SELECT 1 FROM dim_customer WHERE customer_id = '1')",
    "a subquery in SELECT": "SELECT (SELECT max(customer_id) FROM dim_customer), MEASURE(dio) FROM metrics",
    "a subquery in HAVING": f"{TOTAL} HAVING MEASURE(net_sales) > (SELECT count(*) FROM dim_customer)",
    "a subquery in ORDER BY": f"{TOTAL} ORDER BY (SELECT max(customer_id) FROM dim_customer)",
    "nested deeper": "SELECT * FROM (SELECT * FROM (SELECT * FROM dim_customer) AS a) AS b",
    "a union": f"{TOTAL} UNION SELECT count(*) FROM dim_customer",
    "a union of all": f"{TOTAL} UNION ALL BY NAME SELECT customer_id AS n FROM dim_customer",
    "an intersection": f"{TOTAL} INTERSECT SELECT count(*) FROM dim_customer",
    "a difference": f"{TOTAL} EXCEPT SELECT 0",
    "a common table": "WITH x AS (SELECT * FROM dim_customer) SELECT * FROM x",
    "a common table named as ours": "WITH metrics AS (SELECT * FROM dim_customer) SELECT * FROM metrics",
    "a recursive one": "WITH RECURSIVE x(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM x) SELECT * FROM x",
    "values": "SELECT * FROM (VALUES (1)) AS v",
    "a window": "SELECT row_number() OVER (), MEASURE(net_sales) FROM metrics GROUP BY ALL",
    "a raw aggregate": "SELECT list(location__region) FROM metrics",
    "a lambda": "SELECT list_transform([1], x -> x + 1), MEASURE(net_sales) FROM metrics GROUP BY ALL",
    "a pivot": "PIVOT dim_customer ON region USING count(*)",
    "a summary": "SUMMARIZE dim_customer",
    "a description": "DESCRIBE fct_sales_lines",
    "the tables": "SHOW TABLES",
    "a plan": f"EXPLAIN {TOTAL}",
    "the catalogue": "SELECT table_name FROM information_schema.tables",
    "DuckDB's tables": "SELECT * FROM duckdb_tables()",
    "DuckDB's settings": "SELECT * FROM duckdb_settings()",
    "a setting": "SELECT current_setting('temp_directory'), MEASURE(net_sales) FROM metrics",
    "the environment": "SELECT getenv('HOME'), MEASURE(net_sales) FROM metrics GROUP BY 1",
    "a query in a string": "SELECT * FROM query('SELECT * FROM dim_customer')",
    "a table in a string": "SELECT * FROM query_table('dim_customer')",
    "a text file": "SELECT * FROM read_text('/etc/passwd')",
    "a binary file": "SELECT * FROM read_blob('/etc/passwd')",
    "a file by its name": "SELECT * FROM '/etc/passwd'",
    "a CSV function": "SELECT read_csv('/etc/passwd')",
    "a Parquet file": "SELECT * FROM parquet_scan('/tmp/*.parquet')",
    "a folder": "SELECT * FROM glob('/etc/*')",
    "a guess at a file": "SELECT * FROM sniff_csv('/etc/passwd')",
    "another database": "ATTACH 'x.db'",
    "another server": "SELECT * FROM postgres_scan('host=127.0.0.1', 'public', 'audit_log')",
    "a file written": "COPY metrics TO '/tmp/steelyard-leak.csv'",
    "a database written": "EXPORT DATABASE '/tmp/steelyard-leak'",
    "an extension": "INSTALL httpfs",
    "an extension loaded": "LOAD httpfs",
    "settings changed": "SET enable_external_access = true",
    "a pragma": "PRAGMA database_list",
    "a call": "CALL duckdb_functions()",
    "a checkpoint": "CHECKPOINT",
    "a table dropped": "DROP TABLE metrics",
    "a table changed": "ALTER TABLE metrics ADD COLUMN x INTEGER",
    "rows written": "INSERT INTO metrics VALUES (1)",
    "rows changed": "UPDATE metrics SET location__region = 'x'",
    "rows deleted": "DELETE FROM metrics",
    "a table made": "CREATE TABLE mine AS SELECT 1",
    "a macro": "CREATE MACRO f() AS TABLE SELECT * FROM dim_customer",
    "two statements": f"SELECT 1; {TOTAL}",
    "a second one behind a comment": f"{TOTAL} -- \n; DROP TABLE metrics",
    "a metric that is not open": "SELECT MEASURE(accounts_payable) FROM metrics",
    "the same, under another name": "SELECT MEASURE(accounts_payable) AS net_sales FROM metrics",
    "the same, to sort by": f"{TOTAL} ORDER BY MEASURE(accounts_payable)",
    "the same, as a condition": f"{TOTAL} HAVING MEASURE(accounts_payable) > 0",
    "the same, in arithmetic": "SELECT MEASURE(net_sales) - MEASURE(accounts_payable) FROM metrics",
    "the same, in a subquery": "SELECT n FROM (SELECT MEASURE(accounts_payable) AS n FROM metrics) AS x",
    "customers by store": "SELECT MEASURE(customer_lifetime_value), location__store FROM metrics GROUP BY 2",
}
# {} is a customer: what is answered must not depend on whether it is one.
PROBES = {
    "where": TOTAL + " WHERE customer = '{}'",
    "in": TOTAL + " WHERE customer IN ('{}', '{}')",
    "like": TOTAL + " WHERE LOWER(customer) LIKE LOWER('{}')",
    "not": TOTAL + " WHERE NOT customer = '{}'",
    "a case": "SELECT CASE WHEN customer = '{}' THEN 'yes' ELSE 'no' END AS c, MEASURE(net_sales) AS n"
    " FROM metrics GROUP BY 1",
    "having": "SELECT customer, MEASURE(net_sales) AS n FROM metrics GROUP BY 1 HAVING customer = '{}'",
    "a subquery": "SELECT n FROM (SELECT customer AS c, MEASURE(net_sales) AS n FROM metrics GROUP BY 1) AS x"
    " WHERE c = '{}'",
}
MASKED = {
    "plain": "SELECT customer, MEASURE(net_sales) AS n FROM metrics GROUP BY customer",
    "sorted": "SELECT customer, MEASURE(net_sales) AS n FROM metrics GROUP BY 1 ORDER BY customer LIMIT 3",
    "by number": "SELECT customer, MEASURE(net_sales) AS n FROM metrics GROUP BY 1 ORDER BY 1 DESC LIMIT 3",
    "under another name": "SELECT customer AS banner, MEASURE(net_sales) AS n FROM metrics GROUP BY 1",
    "nested": "SELECT c FROM (SELECT customer AS c, MEASURE(net_sales) AS n FROM metrics GROUP BY 1) AS x",
    "distinct": "SELECT DISTINCT customer AS column_values FROM metrics",
    "lower case": "SELECT LOWER(customer) AS c, MEASURE(net_sales) AS n FROM metrics GROUP BY 1",
}
_LEAKS = (
    "root:",
    "Traceback",
    "duckdb.",
    "warehouse.duckdb",
    str(__import__("pathlib").Path.home()),
    "customer_id",
)


@pytest.fixture(scope="module")
def tried(site):
    """Each statement through SQL Lab and straight to the API, by somebody who may use both; a few at once."""
    ids = known_customers(site, 2)
    statements = [*REFUSED.values(), *MASKED.values()]
    statements += [probe.format(one, one) for probe in PROBES.values() for one in (ids[0], ids[1], "nobody")]
    session, bearer = site.sign_in("analytics_engineer"), token(site, "analytics_engineer")

    def attempt(sql):
        straight = httpx.post(
            f"{site.dashboards.api_url}/v1/sql",
            json={"sql": sql},
            headers={"Authorization": f"Bearer {bearer}"},
            timeout=60,
        )
        return site.sql_lab(session, sql), straight

    with ThreadPoolExecutor(4) as pool:
        return dict(zip(statements, pool.map(attempt, statements), strict=True)), ids


def known_customers(site, count):
    """Customers that there are, from the warehouse itself."""
    import duckdb

    with duckdb.connect() as connection:
        path = site.settings.var_dir / "current" / "warehouse.duckdb"
        connection.execute(f"ATTACH {literal(path.resolve())} AS w (READ_ONLY)")
        rows = connection.execute(
            "SELECT customer_id FROM w.main.dim_customer WHERE customer_id IS NOT NULL ORDER BY 1 LIMIT ?",
            [count],
        ).fetchall()
    return [str(one) for (one,) in rows]


def data(answer):
    return [list(row.values()) for row in answer.json()["data"]]


@pytest.mark.parametrize("sql", REFUSED.values(), ids=REFUSED)
def test_what_the_api_refuses_is_refused(tried, sql):
    lab, straight = tried[0][sql]
    assert not straight.is_success, straight.text[:500]
    assert not lab.ok, lab.text[:500]
    for leak in _LEAKS:
        assert leak not in lab.text.replace(json.dumps(sql)[1:-1], ""), lab.text[:500]


@pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES)
def test_a_probe_tells_nothing_of_who_is_a_customer(tried, probe):
    """Two that are, and one that is not, answer alike through either door."""
    answers, ids = tried
    outcomes = []
    for one in (*ids, "nobody"):
        lab, straight = answers[probe.format(one, one)]
        assert lab.ok == straight.is_success
        outcomes.append(data(lab) if lab.ok else "refused")
    assert outcomes[0] == outcomes[1] == outcomes[2], outcomes


@pytest.mark.parametrize("sql", MASKED.values(), ids=MASKED)
def test_sql_lab_shows_that_there_are_customers_and_none_of_them(tried, sql):
    lab, straight = tried[0][sql]
    assert lab.ok == straight.is_success
    if lab.ok:
        values = {value for row in data(lab) for value in row if isinstance(value, str)}
        assert values <= {"***"}, values
