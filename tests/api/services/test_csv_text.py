"""CSV as RFC 4180 has it: what a reader of CSV reads back is what was answered, and no formula."""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal

import pyarrow as pa
import pytest

from api.services.csv_text import csv_chunks
from tests.seeds import seeded


def _text(table: pa.Table) -> str:
    return b"".join(csv_chunks(table)).decode()


def test_what_is_read_back_is_what_was_written() -> None:
    rng = seeded()
    alphabet = ['"', ",", "\r\n", "\n", "a", "é", "漢", " ", ";", "x"]
    texts = ["x" + "".join(rng.choices(alphabet, k=rng.randrange(6))) for _ in range(5_000)]
    table = pa.table({'say, "it"': texts, "n": list(range(5_000))})
    rows = list(csv.reader(io.StringIO(_text(table), newline="")))
    assert rows == [['say, "it"', "n"], *[[text, str(n)] for n, text in enumerate(texts)]]


def test_values_of_every_type() -> None:
    table = pa.table(
        {
            "text": ["", None],
            "money": [Decimal("-12.50"), None],
            "share": [0.1, -0.25],
            "day": [dt.date(2017, 6, 1), None],
            "at": [dt.datetime(2017, 6, 1, 10), None],
            "flag": [True, False],
        }
    )
    assert _text(table) == (
        "text,money,share,day,at,flag\r\n"
        '"",-12.50,0.1,2017-06-01,2017-06-01T10:00:00,true\r\n'
        ",,-0.25,,,false\r\n"
    )


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", "=cmd|' /C calc'!A0"]
)
def test_no_text_is_a_formula(text: str) -> None:
    [[cell]] = list(csv.reader(io.StringIO(_text(pa.table({"x": [text]})), newline="")))[1:]
    assert cell == f"'{text}"
    assert _text(pa.table({text: [1]})).startswith(("'", "\"'"))
