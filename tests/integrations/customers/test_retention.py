"""Rows older than their table's retention lose their customer; money stays."""

from __future__ import annotations

import datetime as dt

import pytest

from integrations.customers import Retention, expire, expired_rows
from integrations.errors import RetentionError
from integrations.ingest import check_landing
from tests.integrations.customers.conftest import rows_of

TODAY = dt.date(2026, 1, 31)


def test_nothing_expires_by_default(people, con):
    assert expired_rows(con, people.landing, Retention.parse(""), today=TODAY) == {}


def test_old_rows_lose_their_customer_and_keep_their_money(people, table, con):
    retention = Retention.parse("sales_lines=730, consents = 1000")
    before = people.rows("sales_lines", "sum(sales_value), count(*)")
    expected = {"consents": 1, "sales_lines": 1}  # Bela's ended consent, Anna's sale of 2023
    assert expired_rows(con, people.landing, retention, today=TODAY) == expected
    assert expire(con, people.landing, retention, today=TODAY) == expected
    assert expire(con, people.landing, retention, today=TODAY) == {}
    assert people.rows("sales_lines", "sum(sales_value), count(*)") == before
    assert rows_of(people, table.find("K-Anna"))["sales_lines"] == 1
    assert not check_landing(people.landing).problems


def test_an_open_consent_does_not_age(people, con):
    expire(con, people.landing, Retention.parse("consents=1"), today=TODAY)
    assert people.rows("consents", "valid_to") == [(None,)]


WRONG = "sale_lines=5 products=5 customers=5 sales_lines sales_lines=0 sales_lines=-1 sales_lines=1.5"


@pytest.mark.parametrize("text", WRONG.split())
def test_what_cannot_be_a_retention_is_said(text):
    with pytest.raises(RetentionError):
        Retention.parse(text)
