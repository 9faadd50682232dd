"""A curious planner subtracts answers from each other, over HTTP, on the demo; hand SQL knows the truth."""

import pytest

from semantic import MetricQuery

EAST = """fct_sales_lines f JOIN dim_location l USING (location_id) JOIN dim_product p USING (product_id)
    JOIN dim_customer c USING (customer_id) WHERE l.region = 'East' AND c.has_analytics_consent"""
AGE = "{{{{ Dimension('customer__age_band') }}}} {}"


@pytest.fixture
def planner(client, sign_in, settings):
    """Asks as a reader without a history; returns rows, and whether groups were withheld."""
    store = client.app.state.services.store
    with store.write() as transaction:
        transaction.conn.exec_driver_sql("DELETE FROM shown_groups")
    groups = client.app.state.services.metrics._groups
    groups._histories.clear()

    def query(body, user="planner_east"):
        sql = isinstance(body, str)
        path, content = ("/v1/sql", {"sql": body}) if sql else ("/v1/query", body)
        answer = client.post(path, json=content, headers=sign_in(user))
        assert answer.status_code == 200, answer.text
        return answer.json()["rows"], answer.headers.get("steelyard-groups-withheld") == "true"

    return query


def visible_rows(rows):
    return [row for row in rows if row[-1] is not None]


@pytest.fixture
def thin(warehouse):
    """A category that one to nine of the oldest households of the East bought, and their number."""
    category = warehouse.execute(
        f"SELECT p.category, count(DISTINCT customer_id) AS n FROM {EAST} AND c.age_band = '65+'"
        " GROUP BY 1 HAVING n BETWEEN 1 AND 9 ORDER BY n DESC, 1 LIMIT 1"
    ).fetchone()
    assert category is not None
    return category


def test_one_question_less_another(planner, thin):
    category, _ = thin
    whole = {"metrics": ["net_sales"], "where": [AGE.format("= '65+'")]}
    without = whole | {
        "where": [*whole["where"], f"{{{{ Dimension('product__category') }}}} <> '{category}'"]
    }
    assert visible_rows(planner(whole)[0])
    rows, withheld = planner(without)
    assert (visible_rows(rows), withheld) == ([], True)
    assert visible_rows(planner(whole)[0])  # what was shown stays shown


def test_the_other_order_and_the_other_door(planner, thin):
    category, _ = thin
    less = (
        "SELECT MEASURE(net_sales) FROM metrics WHERE customer__age_band = '65+'"
        f" AND product__category <> '{category}'"
    )
    assert visible_rows(planner(less)[0])
    rows, _ = planner({"metrics": ["units_sold"], "where": [AGE.format("= '65+'")]})  # another measure
    assert visible_rows(rows) == []
    assert (
        visible_rows(planner("SELECT MEASURE(net_sales) FROM metrics WHERE customer__age_band = '65+'")[0])
        == []
    )


def test_a_total_and_all_but_one_of_its_parts(planner, warehouse):
    """By category, the shown age bands and the category's own total tell nothing of fewer than ten."""
    rows, withheld = planner(
        {"metrics": ["active_customers"], "group_by": ["product__category", "customer__age_band"]}
    )
    assert withheld
    seen = {(row[0], row[1]) for row in visible_rows(rows)}
    behind = warehouse.execute(
        f"SELECT p.category, c.age_band, list(DISTINCT customer_id) FROM {EAST} GROUP BY ALL"
    ).fetchall()
    assert not seen & {(c, a) for c, a, who in behind if len(who) < 10}
    for at in (0, 1):
        for line in {row[at] for row in behind}:
            parts = [row for row in behind if row[at] == line]
            hidden = [row for row in parts if (row[0], row[1]) not in seen]
            if hidden and len(hidden) < len(parts):
                assert len(set().union(*(row[2] for row in hidden))) >= 10, line
    plain_floor = sum(len(who) >= 10 for _, _, who in behind)
    assert plain_floor * 0.9 < len(seen) < plain_floor  # and little is lost over it


def test_the_parts_asked_one_by_one(planner, warehouse):
    """Each age band by filter, then the total: the hidden remainder is never under ten households."""
    category, _ = warehouse.execute(
        f"""SELECT category, count(*) FROM (SELECT p.category, c.age_band, count(DISTINCT customer_id) AS n
        FROM {EAST} GROUP BY ALL) GROUP BY 1
        HAVING count(*) FILTER (n < 10) = 1 AND count(*) >= 5 ORDER BY 1"""
    ).fetchone()
    only = f"{{{{ Dimension('product__category') }}}} = '{category}'"
    behind = dict(
        warehouse.execute(
            f"SELECT c.age_band, list(DISTINCT customer_id) FROM {EAST}"
            f" AND p.category = '{category}' GROUP BY 1"
        ).fetchall()
    )
    remainder = set()
    for band, households in behind.items():
        where = AGE.format("IS NULL") if band is None else AGE.format(f"= '{band}'")
        rows, _ = planner({"metrics": ["active_customers"], "where": [only, where]})
        if not visible_rows(rows):
            remainder |= set(households)
    assert len(remainder) >= 10
    listed = " OR ".join(
        f"customer__age_band = '{b}'" for b in sorted(filter(None, behind)) if len(behind[b]) < 10
    )
    small = (
        "SELECT MEASURE(active_customers) FROM metrics"
        f" WHERE product__category = '{category}' AND NOT ({listed})"
    )
    assert visible_rows(planner(small)[0]) == []


def test_case_expressions_are_groups_like_others(planner, warehouse):
    age, size = warehouse.execute(
        f"""SELECT c.age_band, c.household_size FROM {EAST} AND c.age_band IS NOT NULL
        GROUP BY ALL HAVING count(DISTINCT customer_id) BETWEEN 1 AND 9 ORDER BY ALL LIMIT 1"""
    ).fetchone()
    sql = f"""SELECT CASE WHEN customer__age_band = '{age}' AND customer__household_size = '{size}' THEN 'x'
        ELSE 'rest' END AS who, MEASURE(active_customers) FROM metrics GROUP BY 1"""
    total = "SELECT MEASURE(active_customers) FROM metrics WHERE customer__age_band <> '' OR 1 = 1"
    rows, withheld = planner(sql)
    assert withheld
    assert visible_rows(rows) == []
    assert visible_rows(planner(total)[0])


def test_histories_are_apart_and_others_pay_nothing(planner, client, sign_in, thin):
    category, _ = thin
    whole = {"metrics": ["net_sales"], "where": [AGE.format("= '65+'")]}
    without = whole | {
        "where": [*whole["where"], f"{{{{ Dimension('product__category') }}}} <> '{category}'"]
    }
    assert visible_rows(planner(whole)[0])
    assert visible_rows(planner(without, user="category_manager")[0])
    service, opened = client.app.state.services, client.app.state.services.metrics.opened()
    executive = service.directory.user("executive")
    query = MetricQuery(metrics=["net_sales"], group_by=["product__department"])
    parsed = opened.layer.parse(query)
    restriction = service.metrics.restriction(opened, parsed, executive)
    assert restriction.minimum_group is None
    assert opened.layer.compile(parsed, restriction=restriction).probes == ()
