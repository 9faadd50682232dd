"""HAVING takes one truth value: a tuple is refused, or compared as the engine compares it; never a crash."""

from __future__ import annotations

import pytest

from semantic import SemanticLayer, parse_semantic_sql
from semantic.errors import InvalidQueryError
from tests.semantic.retailer import database

QUERY = "SELECT product__brand AS b, MEASURE(net_sales) AS v FROM metrics GROUP BY 1"


@pytest.mark.parametrize("tuples", ["(1, 2)", "(NULL, 'x')", "(1, (2, 3))"])
@pytest.mark.parametrize("form", ["{q} HAVING {t}", "SELECT b FROM ({q}) AS a GROUP BY b HAVING {t}"])
def test_a_tuple_alone_is_no_condition(layer: SemanticLayer, form: str, tuples: str) -> None:
    with pytest.raises(InvalidQueryError, match="HAVING takes one condition"):
        parse_semantic_sql(layer, form.format(q=QUERY, t=tuples))


def test_tuples_that_are_compared_have_a_truth_value(layer: SemanticLayer) -> None:
    rows = {
        condition: database().execute(parse_semantic_sql(layer, f"{QUERY} HAVING {condition}").sql).fetchall()
        for condition in ("(1, 2) = (1, 2)", "(1, 2) = (2, 1)")
    }
    assert list(map(len, rows.values())) == [3, 0]
