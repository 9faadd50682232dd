"""Metric queries and semantic SQL over a small project give the rows of SQL that was written by hand."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest

from semantic import MetricQuery, SemanticLayer
from tests.seeds import sample, seeded

from .drawing import draw
from .project import AS_OF, VALUES, database, manifest, mart
from .rows import normalised

COUNT = sample(140, full=3_500)
LAYER = SemanticLayer.from_dict(manifest(), as_of=dt.date.fromisoformat(AS_OF))


@pytest.fixture(scope="module")
def tables() -> duckdb.DuckDBPyConnection:
    return database(seeded("tables"))


def test_three_languages_have_one_answer(tables: duckdb.DuckDBPyConnection) -> None:
    rng, by_hand = seeded(), mart()
    queried = 0
    for _ in range(COUNT):
        question = draw(rng, by_hand, VALUES, by_hour=frozenset({"visits"}))
        expected = normalised(tables.execute(by_hand.sql(question)).fetchall())
        compiled = {"sql": LAYER.compile(LAYER.parse(question.semantic_sql()))}
        if question.has_query:
            body = question.body() | {"whole_periods": False}
            if question.days:
                body["time_constraint"] = question.days
            compiled["query"] = LAYER.compile(MetricQuery(**body))
            queried += 1
        for language, answer in compiled.items():
            rows = normalised(tables.execute(answer.sql).fetchall())
            assert rows == expected, (
                f"{language}: {question.semantic_sql()}\n{question.body()}\n{answer.sql}\n"
                f"-- by hand\n{by_hand.sql(question)}"
            )
    assert queried > COUNT / 2
