# ruff: noqa: E501 - tables of cases read better in one line
"""Closing balances by the next count of each row equal those found holding by holding, and by hand."""

from __future__ import annotations

import random

import duckdb
import pytest

from semantic import MetricQuery, Restriction, RowRule, SemanticLayer, check_next_snapshots
from semantic.errors import ManifestError
from tests.seeds import seeded
from tests.semantic.retailer import TABLES, manifest
from tests.soundness.stock_questions import rows, some_time

EAST = Restriction(rows=(RowRule("location", "region = 'East'"),))
GROCERY = Restriction(rows=(RowRule("product", "department = 'GROCERY'"),))


def declared(next_count: object, entities: tuple[str, ...] = (), time: str = "date_day") -> SemanticLayer:
    """The retailer, whose stock table says when each holding was counted next; or another claim of it."""
    raw = manifest()
    stock = next(m for m in raw["semantic_models"] if m["name"] == "fct_stock")
    stock["config"] = {"meta": {"steelyard": {"next_count": next_count}}}
    stock["dimensions"] += [
        {"name": "units", "type": "categorical"},
        {"name": "next_day", "type": "categorical"},
    ]
    stock["entities"] += [{"name": name, "type": "foreign"} for name in entities]
    if time != "date_day":
        stock["dimensions"].append({"name": time, "type": "time", "type_params": {"time_granularity": "day"}})
        for measure in stock["measures"]:
            measure["agg_time_dimension"] = time
            if measure.get("non_additive_dimension"):
                measure["non_additive_dimension"] = {**measure["non_additive_dimension"], "name": time}
    return SemanticLayer.from_dict(raw)


TOLD = {"day": "next_day", "of": ["location", "product"]}
CAREFUL, QUICK = declared(None), declared(TOLD)
KEYS = ["product", "location", "location__region", "product__department", "product__supplier__supplier_name"]
FILTERS = [
    "product__department = 'GROCERY'", "location__region IS NULL", "product IS NOT NULL", "location <> 'l1'",
    "product__supplier__supplier_name = 'Alpha'", "metric_time__day <= '2024-02-20'",
    "metric_time__week >= '2024-01-08' AND metric_time__day < DATE '2024-03-01'",
    "metric_time__day BETWEEN '2024-01-20' AND '2024-03-15'", "'2024-02-01' = metric_time__month",
]  # fmt: skip
MIXED = "metric_time__day < '2024-02-03' OR location = 'l1'"
HOLES = [
    "metric_time__extract_dow = 3", "metric_time__day <> '2024-02-20'", "NOT metric_time__month = '2024-02-01'",
    "metric_time__day < '2024-02-01' OR metric_time__day > '2024-02-20'", "metric_time__day IN ('2024-02-03', '2024-02-20')",
    MIXED,
]  # fmt: skip


def _stock(connection: duckdb.DuckDBPyConnection, rng: random.Random) -> None:
    """Holdings counted on any days of the same months of two years, some of them never known."""
    connection.execute("""
        DELETE FROM fct_stock; ALTER TABLE fct_stock ADD COLUMN IF NOT EXISTS next_day DATE;
        INSERT INTO fct_stock VALUES (NULL, 'p1', 'l1', 1, 1, NULL), (NULL, 'p1', 'l1', 2, 1, '2024-02-01')""")
    for product in ("p1", "p2", "p3", "p9", None):
        for location in ("l1", "l2", None):
            days = sorted(rng.sample([*range(91), *range(366, 457)], rng.choice([1, 5, 25])))
            for day, later in zip(days, [*days[1:], None], strict=True):
                connection.execute(
                    "INSERT INTO fct_stock VALUES (DATE '2024-01-01' + ?::INT, ?, ?, ?, 1, DATE '2024-01-01' + ?::INT)",
                    [day, product, location, rng.choice([None, rng.randint(0, 50)]), later],
                )


def test_random_queries_agree() -> None:
    rng = seeded()
    connection = duckdb.connect()
    connection.execute(TABLES)
    answered = 0
    for i in range(300):
        if i % 40 == 0:
            _stock(connection, rng)
            check_next_snapshots(QUICK.catalog, connection)
        time, within = some_time(rng)
        parts = ["metric_time__extract_month"] if rng.random() < 0.1 else []
        where = rng.sample(FILTERS, rng.choice([0, 1, 2])) + rng.sample(HOLES, rng.choice([0, 0, 0, 1]))
        asked = MetricQuery(
            ["inventory_on_hand_units"],
            time + parts + rng.sample(KEYS, rng.choice([0, 1, 2])),
            where,
            time_constraint=within,
        )
        restriction = rng.choice([None, EAST, GROCERY])
        careful, quick = (layer.compile(asked, restriction=restriction).sql for layer in (CAREFUL, QUICK))
        assert "next_day" not in careful and bool(parts or {*where} & {*HOLES}) == ("next_day" not in quick)
        expected = rows(connection, careful)
        assert rows(connection, quick) == expected, f"{asked}\n{quick}"
        answered += len(expected) > 0
    assert answered > 150


def test_the_same_as_by_hand() -> None:
    rng = seeded()
    connection = duckdb.connect()
    connection.execute(TABLES)
    _stock(connection, rng)
    by_hand = """
        SELECT date_trunc('month', date_day)::DATE AS month, region, SUM(units) FROM (
          SELECT *, row_number() OVER (PARTITION BY date_trunc('month', date_day), product_id, location_id ORDER BY date_day DESC) AS n
          FROM fct_stock WHERE date_day < DATE '2024-03-10') s
        LEFT JOIN dim_location l ON l.location_id = s.location_id WHERE n = 1 GROUP BY ALL"""
    asked = MetricQuery(
        ["inventory_on_hand_units"], ["metric_time__month", "location__region"], ["metric_time__day < '2024-03-10'"]
    )  # fmt: skip
    sql = QUICK.compile(asked).sql
    assert "next_day" in sql
    assert rows(connection, sql) == rows(connection, by_hand)


@pytest.mark.parametrize(
    ("layer", "asked"),
    [
        (QUICK, MetricQuery(["inventory_on_hand_units"], ["metric_time__month"], ["units > 3"])),
        (QUICK, MetricQuery(["inventory_on_hand_units"], where=["{{ Metric('net_sales', ['product']) }} > 1"])),
        (declared({"day": "next_day", "of": ["product"]}), MetricQuery(["inventory_on_hand_units"])),
        (declared({"day": "next_day", "of": ["location", "product", "lot"]}, ("lot",)),
         MetricQuery(["inventory_on_hand_units"])),
        (declared(TOLD, time="checked_on"), MetricQuery(["inventory_on_hand_units"])),
    ],
    ids=["single-rows", "a-metric", "fewer-keys", "more-keys", "another-time"],
)  # fmt: skip
def test_where_the_next_count_does_not_tell(layer: SemanticLayer, asked: MetricQuery) -> None:
    assert "next_day" not in layer.compile(asked).sql


def counted(connection: duckdb.DuckDBPyConnection) -> None:
    """Three products on nine days; p2 on the first six of them, without the second."""
    connection.execute(TABLES)
    connection.execute("""
        DELETE FROM fct_stock; ALTER TABLE fct_stock ADD COLUMN next_day DATE;
        INSERT INTO fct_stock SELECT DATE '2024-01-01' + d::INT, 'p' || p, 'l1', 1, 1, NULL
        FROM range(9) a(d), range(3) b(p) WHERE p < 2 OR (d < 6 AND d <> 1);
        UPDATE fct_stock SET next_day = (SELECT MIN(n.date_day) FROM fct_stock n
        WHERE n.product_id = fct_stock.product_id AND n.date_day > fct_stock.date_day)""")


@pytest.mark.parametrize(
    "wrong",
    ["DELETE FROM fct_stock WHERE product_id = 'p1' AND date_day = (SELECT MAX(date_day) FROM fct_stock)",
     "DELETE FROM fct_stock WHERE product_id = 'p1' AND date_day = (SELECT MIN(date_day) + 1 FROM fct_stock)",
     "UPDATE fct_stock SET next_day = NULL WHERE product_id = 'p1' AND date_day = '2024-01-04'",
     "UPDATE fct_stock SET next_day = '2024-01-12' WHERE product_id = 'p1' AND next_day IS NULL",
     "UPDATE fct_stock SET next_day = '2024-01-02' WHERE product_id = 'p2' AND next_day = '2024-01-03'",
     "INSERT INTO fct_stock SELECT * FROM fct_stock WHERE product_id = 'p1' AND date_day = '2024-01-04'"],
)  # fmt: skip
def test_what_is_not_so_is_found_when_a_release_is_built(wrong: str) -> None:
    connection = duckdb.connect()
    counted(connection)
    check_next_snapshots(QUICK.catalog, connection)
    connection.execute(wrong)
    with pytest.raises(ManifestError, match="fct_stock: next_day is not the day of the next row"):
        check_next_snapshots(QUICK.catalog, connection)


@pytest.mark.parametrize(
    "form",
    ["next_day", True, {}, {"day": "next_day"}, {"day": "nope", "of": ["product"]}, {"day": ["next_day"], "of": ["product"]},
     {"day": "next_day", "of": []}, {"day": "next_day", "of": ["region"]}, {**TOLD, "also": 1}],
)  # fmt: skip
def test_a_declaration_of_another_form_is_refused(form: object) -> None:
    with pytest.raises(ManifestError, match="fct_stock declares next_count"):
        check_next_snapshots(declared(form).catalog, duckdb.connect())
