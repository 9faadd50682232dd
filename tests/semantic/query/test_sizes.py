"""What one call may take is bounded before anything runs; what people write is answered."""

from __future__ import annotations

import pytest

from semantic import MetricQuery, SemanticLayer, parse_semantic_sql
from semantic.errors import InvalidQueryError

GROWN = "REPLACE(product__brand, 'a', '{}')".format("b" * 100)
TOO_MUCH = [
    ("LPAD(product__brand, 10000000, 'x') = 'a'", "pads to a length"),
    ("RPAD(product__brand, LENGTH(product__brand) * 1000000, 'x') = 'a'", "pads to a length"),
    (f"{GROWN} = 'a'", "longer than 50,000"),
    ("REGEXP_REPLACE(product__brand, '', '{}', 'g') = 'a'".format("b" * 200), "longer than 50,000"),
    (f"CONCAT({', '.join(['product__brand'] * 60)}) = 'a'", "longer than 50,000"),
    (" || ".join(["product__brand"] * 60) + " = 'a'", "longer than 50,000"),
    (
        "LEVENSHTEIN(CONCAT({0}), CONCAT({0})) > 1".format(", ".join(["product__brand"] * 30)),
        "letter by letter",
    ),
    ("REGEXP_MATCHES(product__brand, '{}')".format("(a|b)*" * 50), "a pattern that is not a text"),
    ("REGEXP_MATCHES('a', product__brand)", "a pattern that is not a text"),
    ("product__brand LIKE '%a%a%a%a%a%a%a%a%a%a%'", "at most 8 times %"),
    ("product__brand LIKE CONCAT('%', product__department)", "at most 8 times %"),
    ("product__brand LIKE 'a' ESCAPE 'bb'", "one character"),
    ("product__brand LIKE 'a!' ESCAPE '!'", "one character"),
]
FINE = [
    "LPAD(product__brand, 12, '0') = 'a'",
    "REPLACE(REPLACE(product__brand, 'a', ''), '-', ' ') = 'b'",
    "CONCAT(product__brand, ' ', product__department) LIKE '%own%'",
    "LEVENSHTEIN(product__brand, 'own') < 3",
    "REGEXP_MATCHES(product__brand, '^(own|big)$')",
    "product__brand LIKE 'a!%%' ESCAPE '!'",
    "product__brand LIKE CONCAT('%', 'ow', '%')",
]


@pytest.mark.parametrize(("expression", "reason"), TOO_MUCH)
def test_a_call_that_may_take_too_much_is_refused_wherever_it_is(
    layer: SemanticLayer, expression: str, reason: str
) -> None:
    with pytest.raises(InvalidQueryError, match=reason):
        layer.compile(MetricQuery(["net_sales"], where=[expression]))
    inner = "SELECT product__brand, product__department, MEASURE(net_sales) AS v FROM metrics GROUP BY ALL"
    for sql in (
        f"SELECT MEASURE(net_sales) FROM metrics WHERE {expression}",
        f"SELECT {expression} AS k, MEASURE(net_sales) FROM metrics GROUP BY 1",
        f"SELECT v FROM ({inner}) AS a WHERE {expression}",
        f"SELECT MAX({expression}) AS m FROM ({inner}) AS a",
        f"SELECT v FROM ({inner}) AS a ORDER BY {expression}",
    ):
        with pytest.raises(InvalidQueryError, match=reason):
            parse_semantic_sql(layer, sql)


@pytest.mark.parametrize("expression", FINE)
def test_what_people_write_is_answered(layer: SemanticLayer, expression: str) -> None:
    assert layer.compile(MetricQuery(["net_sales"], where=[expression])).sql
