# ruff: noqa: E501 - tables of cases read better in one line
"""The demo's numbers under policy, against SQL written by hand; and what a curious reader tries."""

import json
import re

import pytest

from governance.identity import Directory
from governance.policy.restriction import authorize, for_listing
from governance.policy.tagged_catalog import TaggedCatalog
from semantic import Engine, MetricQuery, SemanticLayer
from semantic.errors import SteelyardError


@pytest.fixture(scope="module")
def layer(release_dir):
    return SemanticLayer.from_manifest(release_dir / "semantic_manifest.json")


@pytest.fixture(scope="module")
def tags(release_dir):
    return TaggedCatalog.from_manifest(release_dir / "semantic_manifest.json")


@pytest.fixture(scope="module")
def query(release_dir, layer, tags):
    directory = Directory.load()
    engine = Engine(release_dir / "warehouse.duckdb")  # settings as the application's: one file, one instance

    def run(user, metrics, group_by=(), where=(), **more):
        query = MetricQuery(metrics=list(metrics), group_by=list(group_by), where=list(where), **more)
        parsed = layer.parse(query)
        restriction = authorize(directory.user(user), parsed, tags)
        table = engine.run(layer.compile(parsed, restriction=restriction))
        return [tuple(row.values()) for row in table.to_pylist()]

    yield run
    engine.close()


BY_HAND = {
    "net_sales": "SELECT sum(net_sales) FROM fct_sales_lines f SEMI JOIN cut USING ({key})",
    "gross_margin": "SELECT sum(gross_margin) FROM fct_sales_lines f SEMI JOIN cut USING ({key})",
    "inventory_value": "SELECT sum(closing) FROM (SELECT arg_max(inventory_value, date_day) AS closing"
    " FROM fct_inventory_daily SEMI JOIN cut USING ({key}) GROUP BY location_id, product_id)",
}
CUTS = {
    "planner_east": ("location_id", "dim_location WHERE region = 'East'"),
    "planner_west": ("location_id", "dim_location WHERE region = 'West'"),
    "category_manager": ("product_id", "dim_product WHERE department IN ('GROCERY', 'DRUG GM')"),
    "executive": ("location_id", "dim_location"),
}


@pytest.mark.parametrize("user", CUTS)
@pytest.mark.parametrize("metric", BY_HAND)
def test_totals_are_those_of_the_rows_in_reach(query, warehouse, user, metric):
    key, cut = CUTS[user]
    sql = f"WITH cut AS (SELECT {key} FROM {cut}) " + BY_HAND[metric].format(key=key)
    (expected,) = warehouse.execute(sql).fetchone()
    ((value,),) = query(user, [metric])
    assert float(value) == pytest.approx(float(expected), rel=1e-9)


def test_regions_add_up_and_none_leaks(query):
    assert {row[0] for row in query("planner_east", ["net_sales"], ["location__region"])} == {"East"}
    everywhere = "{{ Dimension('location__region') }} IN ('West', 'North', 'South') OR 1 = 1"
    assert {row[0] for row in query("planner_east", ["net_sales"], ["location__region"], [everywhere])} == {
        "East"
    }
    departments = {row[0] for row in query("category_manager", ["net_sales"], ["product__department"])}
    assert departments == {"GROCERY", "DRUG GM"}


@pytest.mark.parametrize(
    ("user", "metric", "group_by"),
    [
        ("store_manager", "gross_margin", []),
        ("store_manager", "gross_margin_rate", []),
        ("store_manager", "gmroi", []),
        ("integrator", "inventory_turns", []),
        ("category_manager", "working_capital", []),
        ("executive", "net_sales", ["customer"]),
        ("executive", "net_sales", ["customer__age_band"]),
        ("planner_east", "net_sales", ["customer"]),
        ("store_manager", "net_sales", ["customer__income_band"]),
        ("ml_reviewer", "net_sales", ["supplier__payment_terms_days"]),
    ],
)
def test_a_hidden_thing_answers_like_one_that_does_not_exist(query, user, metric, group_by):
    with pytest.raises(SteelyardError) as hidden:
        query(user, [metric], group_by)
    made_up = (["nonsense_xyz"], []) if not group_by else ([metric], ["customer__nonsense_xyz"])
    with pytest.raises(SteelyardError) as missing:
        query(user, *made_up)
    assert hidden.value.code == missing.value.code
    for word in group_by or [metric]:
        assert word not in re.findall(r"\w+", hidden.value.hint)


THINGS = [
    ("store_manager", "gross_margin", {"metrics": ["gross_margin"]}),
    ("store_manager", "gmroi", {"metrics": ["net_sales", "gmroi"]}),
    ("planner_east", "cash_conversion_cycle", {"metrics": ["cash_conversion_cycle"]}),
    ("executive", "customer__age_band", {"metrics": ["net_sales"], "group_by": ["customer__age_band"]}),
    ("store_manager", "customer__age_band", {"metrics": ["net_sales"], "group_by": ["customer__age_band"]}),
    ("store_manager", "customer__age_band", {"group_by": ["customer__age_band"]}),
    ("store_manager", "customer__income_band", {"metrics": ["net_sales"], "where": ["customer__income_band > '1'"]}),
    ("planner_east", "customer", {"metrics": ["net_sales"], "group_by": ["customer"]}),
    ("store_manager", "gross_margin", "SELECT MEASURE(gross_margin) FROM metrics"),
    ("store_manager", "customer__age_band", "SELECT customer__age_band, MEASURE(net_sales) FROM metrics GROUP BY 1"),
    ("store_manager", "customer__age_band", "SELECT MEASURE(net_sales) FROM metrics WHERE customer__age_band = 'x'"),
]  # fmt: skip


@pytest.mark.parametrize(("user", "name", "question"), THINGS)
def test_the_whole_answer_is_that_of_a_thing_that_does_not_exist(client, sign_in, user, name, question):
    """Over HTTP, word by word: status, code and detail; the hint names only what the reader may see."""
    missing = name[:-1] + ("x" if name[-1] != "x" else "y")

    def answer(text):
        body = json.loads(text)
        path, content = ("/v1/sql", {"sql": body}) if isinstance(body, str) else ("/v1/query", body)
        answer = client.post(path, json=content, headers=sign_in(user))
        return (
            answer.status_code,
            {k: v for k, v in answer.json().items() if k not in ("instance", "hint")},
            answer,
        )

    hidden, absent = (answer(json.dumps(question).replace(name, word)) for word in (name, missing))
    assert hidden[0] == absent[0] == 400
    assert hidden[1] == json.loads(json.dumps(absent[1]).replace(missing, name))
    assert name not in re.findall(r"\w+", hidden[2].json()["hint"])


@pytest.mark.parametrize(
    ("user", "name"), [("store_manager", "gross_margin"), ("planner_east", "cash_conversion_cycle")]
)
def test_the_page_of_a_hidden_metric(client, sign_in, user, name):
    hidden, absent = (client.get(f"/v1/metrics/{n}", headers=sign_in(user)) for n in (name, f"{name[:-1]}x"))
    assert (hidden.status_code, absent.status_code) == (404, 404)
    assert hidden.json()["detail"].replace(name, "…") == absent.json()["detail"].replace(f"{name[:-1]}x", "…")


@pytest.mark.parametrize("user", ["store_manager", "planner_east", "executive", "category_manager"])
def test_what_is_hidden_decides_nothing(layer, tags, user):
    """The same restriction, so the same work: a hidden name leads no other way than a missing one."""
    reader = Directory.load().user(user)
    listed = for_listing(reader, tags)

    def allowed(metric, group_by=()):
        return authorize(reader, layer.parse(MetricQuery([metric], group_by)), tags)

    missing = allowed("net_sales", ["customer__no_such_thing"])
    assert listed.hidden_dimensions
    for name in sorted(listed.hidden_dimensions):
        assert allowed("net_sales", [name]) == missing, name
    missing = allowed("no_such_thing")
    for name in sorted(listed.hidden_metrics):
        assert allowed(name) == missing, name


def test_households_are_counted_only_in_groups_of_ten(query, warehouse):
    rows = query("planner_east", ["net_sales"], ["product__category", "customer__age_band"])
    small = warehouse.execute(
        """SELECT p.category, c.age_band FROM fct_sales_lines f JOIN dim_product p USING (product_id)
        JOIN dim_location l USING (location_id) JOIN dim_customer c USING (customer_id)
        WHERE l.region = 'East' AND c.has_analytics_consent
        GROUP BY ALL HAVING count(DISTINCT customer_id) < 10"""
    ).fetchall()
    assert small
    assert rows
    visible = {(row[0], row[1]) for row in rows if row[2] is not None}
    assert not visible & set(small)


def test_consent_decides_who_is_counted_for_analytics(query, warehouse):
    ((everyone,),) = query("planner_east", ["active_customers"])  # a headcount runs the shop: no purpose
    east = """FROM fct_sales_lines JOIN dim_location USING (location_id)
        JOIN dim_customer USING (customer_id) WHERE region = 'East'"""
    assert (everyone,) == warehouse.execute(f"SELECT count(DISTINCT customer_id) {east}").fetchone()
    by_age = query("planner_east", ["active_customers"], ["customer__age_band"])  # this is analytics
    expected = warehouse.execute(
        f"SELECT age_band, count(DISTINCT customer_id) AS n {east} AND has_analytics_consent"
        " GROUP BY age_band HAVING n >= 10"
    ).fetchall()
    assert sorted(by_age, key=str) == sorted(expected, key=str)
    assert sum(n for _, n in by_age) < everyone
