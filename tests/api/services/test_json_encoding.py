"""Values of the warehouse as JSON that every reader can read."""

import datetime as dt
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.services.json_encoding import json_document

NOT_FINITE = [float("nan"), float("inf"), float("-inf"), Decimal("NaN"), Decimal("Infinity")]
plain = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
half = st.characters(categories=["Cs"])  # of a pair: JSON can say it, UTF-8 cannot
documents = st.recursive(plain | half, lambda part: st.lists(part) | st.dictionaries(st.text(), part))


@given(documents)
def test_what_json_knows_comes_back(document):
    assert json.loads(json_document(document)) == document


@pytest.mark.parametrize("value", NOT_FINITE, ids=str)
def test_what_is_not_finite_is_null_wherever_it_lies(value):
    document = {"rows": [{"a": value, "b": (1, [value])}], "c": 2.5}
    expected = {"rows": [{"a": None, "b": [1, [None]]}], "c": 2.5}
    assert json.loads(json_document(document)) == expected


def test_dates_and_decimals():
    document = [dt.date(2017, 12, 31), dt.datetime(2017, 12, 31, 8, tzinfo=dt.UTC), Decimal("1.25")]
    assert json.loads(json_document(document)) == ["2017-12-31", "2017-12-31T08:00:00+00:00", 1.25]


@pytest.mark.parametrize("beside", [None, 10**30], ids=["plain", "beside an integer beyond 64 bits"])
@given(value=st.decimals(allow_nan=False, allow_infinity=False, places=6) | st.integers().map(Decimal))
def test_no_digit_of_a_decimal_is_lost(beside, value):
    """Sums of whole numbers come as decimals of 38 digits, and a double cannot hold 2**53 + 1."""
    text = json_document({"value": value, "beside": beside})
    assert json.loads(text, parse_float=Decimal, parse_int=Decimal)["value"] == value
    assert json.loads(json_document([Decimal(2**53 + 1)])) == [2**53 + 1]
