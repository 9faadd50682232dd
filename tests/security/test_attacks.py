"""What a hostile reader sends to `/v1/query` and `/v1/sql`: nothing hidden comes out, nor that it exists."""

import io
import re

import pyarrow as pa
import pytest

pytestmark = pytest.mark.demo
PHYSICAL = re.compile(
    r"fct_|dim_|stg_|feat_|warehouse|\.duckdb|/var/|/tmp/|Binder|Catalog Error|Traceback", re.I
)
EAST = (
    "SELECT sum(net_sales_usd) FROM fct_sales_lines JOIN dim_location USING (location_id) WHERE region = '{}'"
)


@pytest.fixture(scope="module")
def ask(client, sign_in):
    """Semantic SQL, or the body of a metric query."""

    def send(user, question, **headers):
        path, body = ("/v1/sql", {"sql": question}) if isinstance(question, str) else ("/v1/query", question)
        return client.post(path, json=body, headers=sign_in(user) | headers)

    return send


def rows(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]


REFUSED = {
    "another table": "SELECT * FROM fct_sales_lines",
    "a schema": "SELECT MEASURE(net_sales) FROM warehouse.main.fct_sales_lines",
    "a table beside": "SELECT MEASURE(net_sales), customer_id FROM metrics, fct_sales_lines",
    "a cte": "WITH x AS (SELECT * FROM dim_customer) SELECT * FROM x",
    "a cte named metrics": "WITH metrics AS (SELECT * FROM dim_customer) SELECT customer_id FROM metrics",
    "a recursive cte": "WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT 1 FROM x) SELECT * FROM x",
    "a nested table": "SELECT * FROM (SELECT * FROM dim_customer) AS t",
    "deeply nested": "SELECT * FROM (SELECT * FROM (SELECT customer_id FROM fct_sales_lines) AS a) AS b",
    "a self join": "SELECT MEASURE(net_sales) FROM metrics AS a JOIN metrics AS b ON "
    "a.location__region = b.location__region",
    "a cross join": "SELECT MEASURE(net_sales) FROM metrics CROSS JOIN dim_customer",
    "a join in a wrapper": "SELECT * FROM (SELECT MEASURE(net_sales) AS n FROM metrics) AS t JOIN "
    "dim_customer ON true",
    "a union": "SELECT MEASURE(net_sales) FROM metrics UNION ALL SELECT customer_id FROM dim_customer",
    "an intersection": "SELECT location__region FROM metrics INTERSECT SELECT region FROM dim_location",
    "lateral": "SELECT * FROM metrics, LATERAL (SELECT customer_id FROM dim_customer) AS l",
    "a correlated subquery": "SELECT location__region, (SELECT max(customer_id) FROM dim_customer) FROM "
    "metrics",
    "exists": "SELECT MEASURE(net_sales) FROM metrics WHERE EXISTS (SELECT 1 FROM dim_customer)",
    "in a subquery": "SELECT MEASURE(net_sales) FROM metrics WHERE location__region IN (SELECT region "
    "FROM dim_location)",
    "a subquery in having": "SELECT MEASURE(net_sales) FROM metrics HAVING MEASURE(net_sales) > (SELECT 1 "
    "FROM dim_customer)",
    "a subquery in order": "SELECT MEASURE(net_sales) FROM metrics ORDER BY (SELECT max(customer_id) FROM "
    "dim_customer)",
    "a subquery in limit": "SELECT MEASURE(net_sales) FROM metrics LIMIT (SELECT count(*) FROM dim_customer)",
    "a star": "SELECT * FROM metrics",
    "columns(*)": "SELECT COLUMNS(*) FROM metrics",
    "columns by pattern": "SELECT COLUMNS('.*') FROM metrics",
    "a qualified star": "SELECT metrics.* FROM metrics",
    "star exclude": "SELECT * EXCLUDE (location__region) FROM metrics",
    "a row": "SELECT metrics FROM metrics",
    "a row as json": "SELECT to_json(metrics) FROM metrics",
    "row_to_json": "SELECT row_to_json(metrics) FROM metrics",
    "a struct": "SELECT {'a': location__region, 'b': MEASURE(net_sales)} FROM metrics",
    "struct_pack": "SELECT struct_pack(a := location__region) FROM metrics",
    "a list": "SELECT list(location__region) FROM metrics",
    "unnest": "SELECT unnest(['a', 'b']), MEASURE(net_sales) FROM metrics GROUP BY 1",
    "a file": "SELECT * FROM read_csv('/etc/passwd')",
    "a file as a table": "SELECT * FROM '/etc/passwd'",
    "read_text": "SELECT read_text('/etc/passwd') AS x, MEASURE(net_sales) FROM metrics GROUP BY 1",
    "glob": "SELECT * FROM glob('/*')",
    "a setting": "SELECT current_setting('home_directory') AS x, MEASURE(net_sales) FROM metrics GROUP BY 1",
    "the environment": "SELECT getenv('PATH') AS x, MEASURE(net_sales) FROM metrics GROUP BY 1",
    "a variable": "SELECT getvariable('x') AS x, MEASURE(net_sales) FROM metrics GROUP BY 1",
    "the version": "SELECT version() AS x, MEASURE(net_sales) FROM metrics GROUP BY 1",
    "who am i": "SELECT current_user AS x, MEASURE(net_sales) FROM metrics GROUP BY 1",
    "the catalogue": "SELECT * FROM information_schema.tables",
    "duckdb's own": "SELECT * FROM duckdb_tables()",
    "pragma": "PRAGMA database_list",
    "set": "SET memory_limit = '1TB'",
    "attach": "ATTACH '/tmp/x.db' AS x",
    "copy": "COPY (SELECT 1) TO '/tmp/x.csv'",
    "install": "INSTALL httpfs",
    "two statements": "SELECT MEASURE(net_sales) FROM metrics; DROP TABLE fct_sales_lines",
    "behind a comment": "SELECT MEASURE(net_sales) FROM metrics -- \n; SELECT * FROM dim_customer",
    "a pivot": "PIVOT metrics ON location__region USING sum(net_sales)",
    "describe": "DESCRIBE metrics",
    "explain": "EXPLAIN SELECT MEASURE(net_sales) FROM metrics",
    "summarize": "SUMMARIZE metrics",
    "from first": "FROM dim_customer SELECT customer_id",
    "a window": "SELECT location__region, sum(MEASURE(net_sales)) OVER () FROM metrics GROUP BY 1",
    "qualify": "SELECT location__region, MEASURE(net_sales) FROM metrics GROUP BY 1 QUALIFY "
    "row_number() OVER () = 1",
    "a sample": "SELECT MEASURE(net_sales) FROM metrics USING SAMPLE 1",
    "rollup": "SELECT location__region, MEASURE(net_sales) FROM metrics GROUP BY ROLLUP (location__region)",
    "a parameter": "SELECT MEASURE(net_sales) FROM metrics WHERE location__region = $1",
    "a lambda": "SELECT list_transform([1], x -> x) AS x, MEASURE(net_sales) FROM metrics GROUP BY 1",
    "an error that tells": "SELECT MEASURE(net_sales) FROM metrics WHERE error(location__region) = ''",
    "sleep": "SELECT sleep_ms(10000) AS x, MEASURE(net_sales) FROM metrics GROUP BY 1",
}


@pytest.mark.parametrize("sql", REFUSED.values(), ids=REFUSED)
def test_sql_that_reaches_around_is_refused_without_a_word_about_what_is_there(ask, sql):
    answer = ask("planner_east", sql)
    assert answer.status_code == 400, answer.text[:300]
    problem = answer.json()
    sent = {word.lower() for word in re.findall(r"\w+", sql)}  # what was sent may come back, nothing else
    told = [
        word for word in re.findall(r"\w+", problem["detail"] + problem["hint"]) if word.lower() not in sent
    ]
    assert not [word for word in told if PHYSICAL.search(word)], told


FILTERS = [
    "(SELECT count(*) FROM dim_customer) > 0",
    "EXISTS (SELECT 1 FROM dim_customer)",
    "{{ Dimension('location__region') }} = 'East') OR (1 = 1",
    "1 = 1; DROP TABLE x",
    "{{ Dimension('location__region') }} IN (SELECT region FROM dim_location)",
    "read_text('/etc/passwd') <> ''",
    "current_setting('threads') > '0'",
    "fct_sales_lines.customer_id = '1'",
    "customer_id = '1'",
    "{{ Dimension('location__region') }} = 'East' UNION SELECT 1",
    "{{ ''.__class__ }} = ''",
    "{{ Dimension('location__region').__init__ }} = ''",
    "{% for x in range(9) %}{{ x }}{% endfor %} = 1",
    "{{ Dimension('metric_time__day\"') }} = ''",
]


@pytest.mark.parametrize("text", FILTERS)
def test_filters_are_conditions_on_the_row_and_nothing_else(ask, text):
    answer = ask("planner_east", {"metrics": ["net_sales"], "where": [text]})
    assert answer.status_code == 400, answer.text[:300]
    assert "Binder" not in answer.text


EVERYWHERE = [
    "SELECT MEASURE(net_sales) FROM metrics",
    "SELECT MEASURE(net_sales) AS x FROM metrics WHERE location__region = 'West' OR 1 = 1",
    "SELECT MEASURE(net_sales) FROM metrics WHERE location__region IS NULL OR NOT location__region = 'x'",
    "SELECT sum(n) AS n FROM (SELECT location__region AS r, MEASURE(net_sales) AS n "
    "FROM metrics GROUP BY 1) AS t",
    "SELECT sum(n) AS n FROM (SELECT product__department AS r, MEASURE(net_sales) AS "
    "n FROM metrics GROUP BY 1) AS t",
    "SELECT sum(n) AS n FROM (SELECT location__store AS r, MEASURE(net_sales) AS n "
    "FROM metrics GROUP BY ALL) AS t",
    {"metrics": ["net_sales"], "where": ["{{ Dimension('location__region') }} IN ('West', 'East') OR 1 = 1"]},
    {"metrics": ["net_sales"], "where": ["NOT (1 = 2)"], "time_constraint": ["2000-01-01", "2030-01-01"]},
]


@pytest.mark.parametrize("question", EVERYWHERE, ids=range(len(EVERYWHERE)))
@pytest.mark.parametrize("region", ["East", "West"])
def test_whatever_is_asked_the_rows_are_the_readers_own(ask, warehouse, question, region):
    (expected,) = warehouse.execute(EAST.format(region)).fetchone()
    ((value,),) = rows(ask(f"planner_{region.lower()}", question))
    assert value == pytest.approx(float(expected), rel=1e-9)


def test_other_regions_do_not_exist(ask):
    for question in (
        {"group_by": ["location__region"]},
        {"metrics": ["net_sales"], "group_by": ["location__region"]},
        {"metrics": ["inventory_value"], "group_by": ["location__region"]},
        "SELECT DISTINCT location__region FROM metrics",
        "SELECT location__region, MEASURE(stockout_rate) FROM metrics GROUP BY 1",
        "SELECT min(r) AS r FROM (SELECT DISTINCT location__region AS r FROM metrics) AS t",
        "SELECT max(r) AS r FROM (SELECT DISTINCT location__region AS r FROM metrics) AS t",
    ):
        assert {row[0] for row in rows(ask("planner_east", question))} == {"East"}, question
    limits = ask("planner_east", {"group_by": ["location__region"], "min_max_only": True})
    assert rows(limits) == [["East", "East"]]


def alike(one, other, *names):
    """Two refusals, with the names that were asked for taken out."""
    told = []
    for answer in (one, other):
        problem = answer.json()
        text = f"{answer.status_code} {problem['code']} {problem['title']} {problem['detail']}"
        for name in names:
            text = text.replace(name, "X")
        told.append(text)
    return told[0] == told[1]


HIDDEN_METRICS = ["gross_margin", "gross_margin_rate", "gmroi", "cogs", "inventory_turns"]
PLACES = [
    lambda name: {"metrics": [name]},
    lambda name: {"metrics": ["net_sales", name], "group_by": ["metric_time__week"]},
    lambda name: {"metrics": ["net_sales"], "where": [f"{{{{ Metric('{name}', ['product']) }}}} > 0"]},
    lambda name: f"SELECT MEASURE({name}) AS net_sales FROM metrics",
    lambda name: f"SELECT MEASURE(net_sales) - MEASURE({name}) AS x FROM metrics",
    lambda name: f"SELECT MEASURE(net_sales) FROM metrics HAVING MEASURE({name}) > 0",
    lambda name: (
        f"SELECT location__region, MEASURE(net_sales) FROM metrics GROUP BY 1 ORDER BY MEASURE({name})"
    ),
    lambda name: f"SELECT n FROM (SELECT MEASURE({name}) AS n FROM metrics) AS t",
    lambda name: f"SELECT CASE WHEN MEASURE({name}) > 0 THEN 1 ELSE 0 END AS x FROM metrics",
]


@pytest.mark.parametrize("place", PLACES, ids=range(len(PLACES)))
@pytest.mark.parametrize("metric", HIDDEN_METRICS)
def test_a_hidden_metric_answers_like_one_that_does_not_exist(ask, metric, place):
    hidden, missing = (ask("store_manager", place(name)) for name in (metric, "qzxv_jkwy"))
    assert hidden.status_code in (400, 404)
    assert alike(hidden, missing, metric, "qzxv_jkwy")
    assert metric not in re.findall(r"\w+", hidden.json()["hint"])


HIDDEN_DIMENSIONS = [("store_manager", "customer__age_band"), ("executive", "customer__income_band"),
                     ("executive", "customer"), ("ml_reviewer", "supplier__payment_terms_days")]  # fmt: skip
USES = [
    lambda name: {"metrics": ["net_sales"], "group_by": [name]},
    lambda name: {"group_by": [name]},
    lambda name: {"metrics": ["net_sales"], "where": [f"{{{{ Dimension('{name}') }}}} = 'x'"]},
    lambda name: {"group_by": [name], "min_max_only": True},
    lambda name: f"SELECT {name}, MEASURE(net_sales) FROM metrics GROUP BY 1",
    lambda name: f"SELECT MEASURE(net_sales) FROM metrics WHERE {name} IS NULL",
    lambda name: f"SELECT upper({name}) AS x, MEASURE(net_sales) FROM metrics GROUP BY 1",
    lambda name: f"SELECT CASE WHEN {name} = 'x' THEN 1 END AS x, MEASURE(net_sales) FROM metrics GROUP BY 1",
    lambda name: f"SELECT DISTINCT {name} FROM metrics",
]


@pytest.mark.parametrize("use", USES, ids=range(len(USES)))
@pytest.mark.parametrize(("user", "name"), HIDDEN_DIMENSIONS)
def test_a_hidden_dimension_answers_like_one_that_does_not_exist(ask, user, name, use):
    made_up = "__".join([*name.split("__")[:-1], "qzxv"])
    hidden, missing = (ask(user, use(n)) for n in (name, made_up))
    assert hidden.status_code == 400, hidden.text[:200]
    assert alike(hidden, missing, name, made_up), (hidden.json()["detail"], missing.json()["detail"])


MASKED = [
    {"metrics": ["net_sales"], "where": ["{{ Entity('customer') }} = '1'"]},
    {"metrics": ["net_sales"], "where": ["{{ Entity('customer') }} LIKE '1%'"]},
    {"metrics": ["net_sales"], "group_by": ["customer"], "order_by": ["customer"]},
    {"metrics": ["net_sales"], "where": ["{{ Metric('net_sales', ['customer']) }} > 100"]},
    "SELECT MEASURE(net_sales) FROM metrics WHERE customer = '1'",
    "SELECT MEASURE(net_sales) FROM metrics WHERE length(customer) > 3",
    "SELECT CASE WHEN customer = '1' THEN 1 END AS x, MEASURE(net_sales) FROM metrics GROUP BY 1",
    "SELECT substring(customer, 1, 1) AS x, MEASURE(net_sales) FROM metrics GROUP BY 1",
]


@pytest.mark.parametrize("question", MASKED, ids=range(len(MASKED)))
def test_a_masked_column_is_not_compared_and_not_computed_with(ask, question):
    answer = ask("data_steward", question)
    if answer.status_code == 200:  # computed of the mask itself
        assert {row[0] for row in rows(answer)} <= {"***", "*", None}
    else:
        assert (answer.status_code, answer.json()["code"]) == (400, "masked-dimension")


def test_a_masked_column_shows_stars_wherever_it_goes(ask, warehouse):
    ids = {row[0] for row in warehouse.execute("SELECT customer_id FROM dim_customer").fetchall()}
    for question in (
        {"metrics": ["net_sales"], "group_by": ["customer"]},
        "SELECT customer AS location__region, MEASURE(net_sales) FROM metrics GROUP BY 1 ORDER BY 1",
        "SELECT max(c) AS m FROM (SELECT customer AS c, MEASURE(net_sales) FROM metrics GROUP BY 1) AS t",
        "SELECT c FROM (SELECT customer AS c, MEASURE(net_sales) FROM metrics GROUP BY 1) AS t ORDER BY c",
        "SELECT customer, MEASURE(net_sales) FROM metrics GROUP BY 1 HAVING customer <> ''",
    ):
        answer = ask("data_steward", question)
        if answer.status_code == 200:
            shown = {str(value) for row in rows(answer) for value in row}
            assert not shown & ids, question
            assert "***" in shown
        else:
            assert answer.json()["code"] == "masked-dimension"


DISGUISED = ["Dimension('cust' 'omer__seg' 'ment')", r"Dimension('\x63ustomer__\x73egment')",
             "CUSTOMER__SEGMENT", "sales_line__customer__segment", "customer__segment"]  # fmt: skip


@pytest.mark.parametrize("name", DISGUISED)
def test_no_spelling_of_a_name_escapes_the_floor(ask, warehouse, name):
    """The smallest group of ten holds however the attribute of the customer is written."""
    small = warehouse.execute(
        """SELECT l.store, c.segment FROM fct_sales_lines f JOIN dim_location l USING (location_id)
        JOIN dim_customer c USING (customer_id) GROUP BY ALL HAVING count(DISTINCT customer_id) < 10"""
    ).fetchall()
    assert len(small) > 100
    body = {"metrics": ["net_sales"], "group_by": ["location__store", name]}
    answer = ask("executive", body)
    if answer.status_code == 400:
        return
    shown = {(row[0], row[1]) for row in rows(answer) if row[2] is not None}
    assert shown
    assert not shown & set(small)


def test_answers_are_not_shared_between_readers(ask, warehouse):
    """One after the other, twice, both ways in, JSON and Arrow: everybody gets the own figures."""
    regions = dict(warehouse.execute(
        "SELECT region, sum(net_sales_usd) FROM fct_sales_lines JOIN dim_location USING (location_id)"
            " GROUP BY 1"
    ).fetchall())  # fmt: skip
    (total,) = warehouse.execute("SELECT sum(net_sales_usd) FROM fct_sales_lines").fetchone()
    expected = {"planner_east": regions["East"], "planner_west": regions["West"], "executive": total}
    body, sql = {"metrics": ["net_sales"]}, "SELECT MEASURE(net_sales) FROM metrics"
    for _ in range(2):
        for user, value in expected.items():
            for question in (body, sql):
                assert rows(ask(user, question))[0][0] == pytest.approx(float(value), rel=1e-9)
                arrow = ask(user, question, Accept="application/vnd.apache.arrow.stream")
                table = pa.ipc.open_stream(io.BytesIO(arrow.content)).read_all()
                assert float(table.column(0)[0].as_py()) == pytest.approx(float(value), rel=1e-9)


@pytest.mark.parametrize(
    ("user", "cut"),
    [
        ("planner_east", "location_id IN (SELECT location_id FROM dim_location WHERE region = 'East')"),
        (
            "category_manager",
            "product_id IN (SELECT product_id FROM dim_product WHERE department IN ('GROCERY', 'DRUG GM'))",
        ),
        ("executive", "true"),
    ],
)
@pytest.mark.parametrize("by", ["metric_time__month", "location__region", "product__department"])
def test_rollups_know_the_readers_rows(ask, warehouse, user, cut, by):
    """A rollup that dropped the column by which a reader's rows are cut must not answer that reader."""
    column = {"metric_time__month": "date_trunc('month', date_day)", "location__region": "region",
              "product__department": "department"}[by]  # fmt: skip
    expected = warehouse.execute(
        f"""SELECT {column} AS k, sum(net_sales_usd) FROM fct_sales_lines
        LEFT JOIN dim_location USING (location_id) LEFT JOIN dim_product USING (product_id)
        WHERE {cut} GROUP BY 1 ORDER BY 1 NULLS LAST"""
    ).fetchall()
    body = {"metrics": ["net_sales"], "group_by": [by], "order_by": [by]}
    found = rows(ask(user, body))
    assert [row[1] for row in found] == pytest.approx([float(v) for _, v in expected], rel=1e-9)


def test_the_floor_is_never_answered_from_a_rollup(ask):
    answer = ask("planner_east", {"metrics": ["net_sales"], "group_by": ["customer__segment"]})
    assert rows(answer)
    assert not answer.headers.get("x-steelyard-rollups")


def test_an_older_release_has_todays_policy(ask, client, sign_in, warehouse):
    releases = client.get("/v1/releases", headers=sign_in("planner_east")).json()["items"]
    assert releases
    for release in releases:
        body = {"metrics": ["net_sales"], "group_by": ["location__region"], "release": release["release_id"]}
        assert {row[0] for row in rows(ask("planner_east", body))} == {"East"}
        hidden = ask("store_manager", {"metrics": ["gross_margin"], "release": release["release_id"]})
        assert hidden.status_code == 400
    for name in ("..", "../../etc", "current", ".build", "x' OR 1=1", "\x00", "a" * 400):
        assert ask("planner_east", {"metrics": ["net_sales"], "release": name}).status_code in (404, 422)


def test_what_is_listed_is_what_may_be_asked(client, sign_in, ask):
    headers = sign_in("store_manager")
    metrics = {row["name"] for row in client.get("/v1/metrics", headers=headers).json()["items"]}
    dimensions = {row["name"] for row in client.get("/v1/dimensions", headers=headers).json()["items"]}
    assert not metrics & set(HIDDEN_METRICS)
    assert not {"customer", "customer__age_band", "supplier__payment_terms_days"} & dimensions
    for path in ("/v1/metrics/{}", "/v1/lineage/metric.{}"):
        hidden, missing = (
            client.get(path.format(name), headers=headers) for name in ("gross_margin", "qzxv_jkwy")
        )
        assert hidden.status_code == 404
        assert alike(hidden, missing, "gross_margin", "qzxv_jkwy")
        assert "gross_margin" not in re.findall(r"\w+", hidden.json()["hint"])
    around = client.get("/v1/lineage/metric.net_sales", headers=headers).text
    assert not re.search(r"metric\.(gross_margin|gmroi|cogs)\b", around)


def test_recommendations_out_of_reach_do_not_exist(client, sign_in):
    import datetime as dt
    from dataclasses import replace

    from governance.approvals import propose

    services = client.app.state.services
    agent = replace(services.directory.service("pipeline"), scopes=frozenset({"propose"}))
    row = {"recommendation_id": "attack-west", "action": "reorder", "product_id": "p", "location_id": "1",
           "region": "West", "department": "GROCERY", "quantity_units": 1.0,
           "expected_cash_usd": 500.0}  # fmt: skip
    propose(services.store, agent, [row], now=dt.datetime.now(dt.UTC))
    east = sign_in("planner_east")
    for method, path, body in (
        ("GET", "/v1/recommendations/{}", None),
        ("POST", "/v1/recommendations/{}/decisions", {"decision": "approve"}),
        ("POST", "/v1/recommendations/{}/decisions", {"decision": "reject", "reason_code": "space"}),
        ("GET", "/v1/lineage/recommendation.{}", None),
    ):
        hidden, missing = (
            client.request(method, path.format(name), json=body, headers=east)
            for name in ("attack-west", "qzxv")
        )
        assert hidden.status_code == 404
        assert alike(hidden, missing, "attack-west", "qzxv")
    listed = client.get("/v1/recommendations?limit=500&region=West", headers=east).json()
    assert listed["items"] == []
