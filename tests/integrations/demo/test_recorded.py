"""Recorded rows arrive whole and unaltered: counted and summed against the package's own files."""

from __future__ import annotations

import duckdb
import pytest

from integrations.demo import CompleteJourney
from integrations.ingest import ingest
from semantic.sql.quoting import literal

FILES = CompleteJourney().files


def test_counts_are_those_published(demo):
    tables = demo.report.tables
    assert tables["sales_lines"].rows_loaded == 1_469_307
    assert tables["promotions"].rows_loaded == 20_940_529
    assert tables["products"].rows_loaded == 92_331
    assert (tables["campaigns"].rows_loaded, tables["coupon_redemptions"].rows_loaded) == (6_589, 2_102)
    assert tables["customers"].rows_loaded == 2_469
    assert demo.report.rows_quarantined == 0


def test_sales_equal_the_package(demo):
    raw = duckdb.sql(
        f"""SELECT count(*), sum(quantity), round(sum(sales_value), 2), round(sum(retail_disc), 2),
                   round(sum(coupon_disc), 2), round(sum(coupon_match_disc), 2), count(DISTINCT basket_id)
            FROM {literal(FILES["transactions"])}"""
    ).fetchall()[0]
    landed = demo.connect().execute(
        """SELECT count(*), sum(quantity), sum(sales_value), sum(retail_discount),
                  sum(coupon_discount), sum(coupon_match_discount), count(DISTINCT basket_id)
           FROM sales_lines"""
    ).fetchall()[0]  # fmt: skip
    assert [float(v) for v in landed] == pytest.approx([float(v) for v in raw], abs=0.005)


def test_promotions_equal_the_package(demo):
    key = "hash(product_id::VARCHAR, {store}::VARCHAR, display_location, mailer_location, week::INT)"
    raw = duckdb.sql(
        f"SELECT sum({key.format(store='store_id')}) FROM {literal(FILES['promotions'])}"
    ).fetchall()
    landed = (
        demo.connect().execute(f"SELECT sum({key.format(store='location_id')}) FROM promotions").fetchall()
    )
    assert landed == raw


def test_business_dates_agree_with_the_retailers_weeks(demo):
    """The recorded week turns on Monday, local time; only local dates agree with it in every line."""
    off = demo.connect().execute(
        "SELECT count(*) FROM sales_lines "
        "WHERE week <> 1 + date_diff('day', DATE '2016-12-26', business_date) // 7"
    ).fetchall()  # fmt: skip
    assert off == [(0,)]


def test_traps_are_kept_and_reported(demo):
    con = demo.connect()
    assert con.execute("SELECT count(*) FROM sales_lines WHERE quantity = 0").fetchall() == [(8_869,)]
    orphans = "SELECT count(*) FROM sales_lines ANTI JOIN products USING (product_id)"
    assert con.execute(orphans).fetchall() == [(4_836,)]
    assert any(
        "4,836 rows name 17 unknown product_id" in w for w in demo.report.tables["sales_lines"].warnings
    )
    assert any("12,785 keys" in w for w in demo.report.tables["promotions"].warnings)


def test_line_ids_are_stable_and_unique(demo):
    con = demo.connect()
    assert con.execute("SELECT count(DISTINCT sales_line_id) FROM sales_lines").fetchall() == [(1_469_307,)]
    numbered = con.execute(
        "SELECT product_id FROM sales_lines WHERE basket_id = (SELECT mode(basket_id) FROM sales_lines) "
        "ORDER BY CAST(split_part(sales_line_id, '-', 2) AS INT)"
    ).fetchall()  # fmt: skip
    assert numbered == sorted(numbered, key=lambda r: int(r[0])) and len(numbered) > 1


def test_second_run_is_about_a_second_and_changes_nothing(demo):
    again = ingest(
        CompleteJourney(planted_anomalies=demo.root / "truth"), demo.landing, demo.root / "quarantine"
    )
    assert not again.changed
    assert again.seconds < 2
