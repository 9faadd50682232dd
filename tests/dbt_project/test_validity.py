"""What changes slowly: ranges without overlap, and facts under what held on their own day."""

from __future__ import annotations

import pytest

GROUPS = [[], ["location__region"], ["metric_time__month"], ["product__department"]]
RANGED = {"dim_supplier_terms": "supplier_id", "dim_location_history": "location_id"}


@pytest.mark.parametrize(("table", "key"), RANGED.items())
def test_every_day_of_every_key_has_one_version(marts, table, key):
    """Counted day by day, without a word of how ranges are made."""
    ((pairs, distinct, all_pairs),) = marts.execute(f"""
        SELECT count(*), count(DISTINCT ({key}, d)), count(DISTINCT {key}) * count(DISTINCT d)
        FROM {table} JOIN (SELECT date_day AS d FROM dim_date) days ON d >= valid_from AND d < valid_to
        """).fetchall()
    assert pairs == distinct == all_pairs > 0


@pytest.mark.parametrize(("table", "key"), RANGED.items())
def test_six_have_changed_and_each_has_one_current_version(marts, table, key):
    ((changed, keys, current),) = marts.execute(f"""
        SELECT count(*) - count(DISTINCT {key}), count(DISTINCT {key}), count(*) FILTER (is_current)
        FROM {table}""").fetchall()
    assert changed == 6 and keys == current


def test_the_dimension_shows_the_version_of_the_last_day(marts):
    ((wrong, as_of_rows),) = marts.execute("""
        SELECT count(*) FILTER (l.banner IS DISTINCT FROM h.banner), count(*)
        FROM dim_location l JOIN dim_location_history h USING (location_id)
        WHERE (SELECT max(date_day) FROM dim_date) BETWEEN valid_from AND valid_to - 1""").fetchall()
    assert wrong == 0 and as_of_rows > 400


def test_invoices_carry_the_terms_of_their_day(marts):
    """The ledger dates an invoice's due day by the terms of that day: the join must find the same."""
    ((on_agreed_terms, under_old_terms, invoices),) = marts.execute("""
        SELECT count(*) FILTER (due_on - invoiced_on = agreed_terms_days),
               count(*) FILTER (agreed_terms_days <> s.payment_terms_days), count(*)
        FROM fct_invoices JOIN dim_supplier s USING (supplier_id)""").fetchall()
    assert on_agreed_terms == invoices
    assert under_old_terms > 1000, "no invoice is under terms that changed since: the test proves nothing"


@pytest.mark.parametrize("groups", GROUPS)
def test_sales_by_the_fascia_of_the_day(marts, agree, groups):
    """Net sales of a store belong to the banner it had when it sold."""
    names = {"location__region": "l.region", "product__department": "p.department",
             "metric_time__month": "CAST(date_trunc('month', f.date_day) AS DATE)"}  # fmt: skip
    keys = ["h.banner", *(names[g] for g in groups)]
    rows = marts.execute(f"""
        SELECT {", ".join(keys)}, sum(f.net_sales) FROM fct_sales_lines f
        LEFT JOIN dim_location l ON l.location_id = f.location_id
        LEFT JOIN dim_product p ON p.product_id = f.product_id
        LEFT JOIN dim_location_history h ON h.location_id = f.location_id
            AND f.date_day >= h.valid_from AND f.date_day < h.valid_to
        GROUP BY ALL""").fetchall()
    agree("net_sales", ["location__banner_then", *groups], {tuple(r[:-1]): float(r[-1]) for r in rows})
