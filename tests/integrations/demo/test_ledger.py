"""The derived ledger over its whole output: conserved in units and money, realistic in level."""

from __future__ import annotations

import json

import pytest

IN = "('opening', 'receipt', 'return', 'transfer_in')"


@pytest.fixture(scope="module")
def con(demo):
    """The landed demo."""
    return demo.connect()


def one(con, sql):
    """The only row of a query."""
    return con.execute(sql).fetchall()[0]


def test_stock_is_conserved_for_every_product_location_day(con):
    """Closing = sum of all movements so far, recomputed from movements alone by a running sum."""
    broken, days = one(
        con,
        """
        WITH daily AS (
            SELECT location_id, product_id, movement_date AS d, sum(quantity_units) AS moved
            FROM inventory_movements GROUP BY ALL),
        cells AS (
            SELECT coalesce(s.location_id, m.location_id) AS location_id,
                   coalesce(s.product_id, m.product_id) AS product_id,
                   coalesce(s.snapshot_date, m.d) AS d, coalesce(moved, 0) AS moved, on_hand_units
            FROM inventory_snapshots s FULL JOIN daily m
                ON m.location_id = s.location_id AND m.product_id = s.product_id AND m.d = s.snapshot_date),
        running AS (
            SELECT *, sum(moved) OVER (PARTITION BY location_id, product_id ORDER BY d) AS closing FROM cells)
        SELECT count(*) FILTER (closing <> coalesce(on_hand_units, 0)), count(*) FROM running""",
    )
    assert broken == 0
    assert 5_000_000 <= days <= 12_000_000


def test_recorded_sales_of_the_assortment_are_the_movements_and_the_snapshots(con):
    """Every recorded unit of a ranged pair is a sale of the ledger, on the recorded local day."""
    differing = one(
        con,
        """
        WITH pairs AS (SELECT DISTINCT location_id, product_id FROM inventory_snapshots),
        recorded AS (
            SELECT location_id, product_id, business_date AS d, sum(quantity) AS units
            FROM sales_lines SEMI JOIN pairs USING (location_id, product_id) WHERE quantity > 0 GROUP BY ALL),
        moved AS (
            SELECT location_id, product_id, movement_date AS d, -sum(quantity_units) AS units
            FROM inventory_movements WHERE movement_type = 'sale' GROUP BY ALL),
        snapped AS (
            SELECT location_id, product_id, snapshot_date AS d, sales_units AS units
            FROM inventory_snapshots WHERE sales_units > 0)
        SELECT (SELECT count(*) FROM (FROM recorded EXCEPT FROM moved)),
               (SELECT count(*) FROM (FROM moved EXCEPT FROM recorded)),
               (SELECT count(*) FROM (FROM recorded EXCEPT FROM snapped))""",
    )
    assert differing == (0, 0, 0)


def test_no_stock_is_negative_and_demand_is_never_below_sales(con):
    assert one(
        con, "SELECT min(on_hand_units), min(demand_units - sales_units) FROM inventory_snapshots"
    ) == (0, 0)
    unmet = "SELECT count(*) FROM inventory_snapshots WHERE demand_units > sales_units AND on_hand_units > 0"
    assert one(con, unmet) == (0,)


def test_movement_signs_follow_their_type(con):
    wrong = f"SELECT count(*) FROM inventory_movements WHERE (quantity_units > 0) <> (movement_type IN {IN})"
    assert one(con, wrong) == (0,)


def test_orders_receipts_and_invoices_agree_in_money(con):
    broken, orders = one(
        con,
        """
        WITH ordered AS (
            SELECT purchase_order_id, sum(ordered_units * unit_cost + freight + duty) AS v
            FROM purchase_order_lines WHERE status = 'received' GROUP BY 1),
        received AS (
            SELECT purchase_order_id, sum(received_units * unit_cost) AS v FROM receipts GROUP BY 1),
        invoiced AS (SELECT purchase_order_id, sum(amount) AS v FROM invoices GROUP BY 1)
        SELECT count(*) FILTER (o.v IS DISTINCT FROM r.v OR o.v IS DISTINCT FROM i.v), count(*)
        FROM ordered o FULL JOIN received r USING (purchase_order_id)
        FULL JOIN invoiced i USING (purchase_order_id)""",
    )
    assert broken == 0 and orders > 50_000


def test_payments_settle_invoices_once_and_in_time(con):
    doubled = "SELECT count(*) FROM (SELECT invoice_id FROM payments GROUP BY 1 HAVING count(*) > 1)"
    assert one(con, doubled) == (0,)
    off = """SELECT count(*) FROM payments p JOIN invoices i USING (invoice_id)
             WHERE p.amount <> i.amount OR abs(p.paid_on - i.due_on) > 4"""
    assert one(con, off) == (0,)
    unpaid = (
        "SELECT count(*) FROM invoices ANTI JOIN payments USING (invoice_id) WHERE due_on < DATE '2017-12-25'"
    )
    assert one(con, unpaid) == (0,)
    on_due_terms = """SELECT count(*),
               count(*) FILTER (invoiced_on >= s.starts_on AND s.effective_date IS NOT NULL)
               FROM invoices i ASOF JOIN (
                   SELECT *, coalesce(effective_date, DATE '1900-01-01') AS starts_on FROM suppliers) s
               ON s.supplier_id = i.supplier_id AND i.invoiced_on >= s.starts_on
               WHERE due_on - invoiced_on = payment_terms_days"""
    matching, under_later_terms = one(con, on_due_terms)
    assert matching == one(con, "SELECT count(*) FROM invoices")[0]
    assert under_later_terms > 1000


def test_lots_add_up_to_the_stock_of_every_product_location_day(con):
    """Summed from the lots in force that day, without their changes."""
    (days,) = one(con, "SELECT count(*) FROM inventory_snapshots")
    agreeing = one(
        con,
        """
        WITH ranged AS (
            SELECT *, coalesce(lead(counted_on) OVER (PARTITION BY lot_id ORDER BY counted_on),
                               DATE '2018-01-01') AS next_on
            FROM inventory_lots),
        daily AS (
            SELECT location_id, product_id, counted_on + CAST(k AS INTEGER) AS d, on_hand_units
            FROM ranged, unnest(range(0, next_on - counted_on)) days(k) WHERE on_hand_units > 0),
        summed AS (SELECT location_id, product_id, d, sum(on_hand_units) AS units FROM daily GROUP BY ALL)
        SELECT count(*) FILTER (s.on_hand_units = coalesce(l.units, 0)), count(*) FILTER (s.d IS NULL)
        FROM (SELECT *, snapshot_date AS d FROM inventory_snapshots) s
        FULL JOIN summed l ON l.location_id = s.location_id AND l.product_id = s.product_id AND l.d = s.d""",
    )
    assert agreeing == (days, 0)


def test_no_lot_outlives_its_shelf_life_and_the_oldest_leaves_first(con):
    late = "SELECT count(*) FROM inventory_lots WHERE counted_on >= expires_on AND on_hand_units > 0"
    assert one(con, late) == (0,)
    lives = """SELECT count(*) FROM inventory_lots JOIN products USING (product_id)
               WHERE expires_on - received_on <> shelf_life_days"""
    assert one(con, lives) == (0,)
    queue = """
        WITH lots AS (
            SELECT location_id, product_id, received_on, lot_id,
                   min(counted_on) FILTER (on_hand_units = 0) AS emptied_on,
                   min(counted_on) FILTER (counted_on > received_on) AS touched_on
            FROM inventory_lots GROUP BY ALL),
        next AS (
            SELECT *, lag(emptied_on) OVER queue AS emptied_before, lag(lot_id) OVER queue AS before
            FROM lots WINDOW queue AS (PARTITION BY location_id, product_id ORDER BY received_on))
        SELECT count(*) FROM next
        WHERE before IS NOT NULL AND touched_on < coalesce(emptied_before, DATE '9999-01-01')"""
    assert one(con, queue) == (0,)


def test_receipts_and_transfers_are_the_movements(con):
    for table, kind, units in (
        ("receipts", "receipt", "received_units"),
        ("transfers WHERE received_on IS NOT NULL", "transfer_in", "quantity_units"),
        ("transfers", "transfer_out", "-quantity_units"),
    ):
        document = one(con, f"SELECT count(*), sum({units}) FROM {table}")
        moved = one(
            con,
            f"SELECT count(*), sum(quantity_units) FROM inventory_movements WHERE movement_type = '{kind}'",
        )
        assert document == moved, kind


def test_open_commitments_of_the_last_day_are_the_open_documents(con):
    last = """SELECT sum(on_order_units) FROM inventory_snapshots WHERE snapshot_date = DATE '2017-12-31'"""
    lines = "SELECT sum(ordered_units) FROM purchase_order_lines WHERE status = 'open'"
    waiting = """SELECT coalesce(sum(reserved_units), 0) FROM inventory_snapshots
                 WHERE snapshot_date = DATE '2017-12-31'"""
    assert one(con, last)[0] == one(con, lines)[0] + one(con, waiting)[0]
    moving = "SELECT sum(in_transit_units) FROM inventory_snapshots WHERE snapshot_date = DATE '2017-12-31'"
    assert one(con, moving) == one(con, "SELECT sum(quantity_units) FROM transfers WHERE received_on IS NULL")


def test_levels_are_those_of_a_grocer(con):
    in_stock = one(con, "SELECT 1 - avg((on_hand_units = 0)::INT) FROM inventory_snapshots WHERE is_ranged")[
        0
    ]
    fill = one(con, "SELECT sum(sales_units) / sum(demand_units) FROM inventory_snapshots")[0]
    turns = one(
        con,
        """SELECT sum(sales_units * unit_cost)::DOUBLE
                  / (sum(on_hand_units * unit_cost)::DOUBLE / 365) FROM inventory_snapshots""",
    )[0]
    assert 0.92 <= in_stock <= 0.97
    assert 0.90 <= fill <= 0.98
    assert 8 <= turns <= 20


def test_stockouts_concentrate_in_some_suppliers(con):
    low, high = one(
        con,
        """SELECT quantile_cont(rate, 0.25), quantile_cont(rate, 0.95) FROM (
               SELECT avg((on_hand_units = 0)::INT) AS rate FROM inventory_snapshots
               JOIN products USING (product_id) WHERE is_ranged GROUP BY supplier_id)""",
    )
    assert high > 2 * low


def test_late_deliveries_exist_but_are_the_minority(con):
    share = one(
        con,
        """SELECT avg((received_on <= promised_on)::INT) FROM receipts JOIN purchase_orders
           USING (purchase_order_id)""",
    )[0]
    assert 0.75 < share < 0.95


def test_margins_lie_in_their_bands(con):
    """Gross margin of all merchandise, from recorded sales and landed cost."""
    rows = con.execute(
        """SELECT department, 1 - sum(quantity * landed_cost)::DOUBLE / sum(sales_value)::DOUBLE
           FROM sales_lines JOIN products USING (product_id) WHERE landed_cost IS NOT NULL
           GROUP BY 1 HAVING sum(sales_value) > 20000"""
    ).fetchall()
    assert len(rows) >= 7
    assert all(0.18 < margin < 0.55 for _, margin in rows), rows


def test_costs_are_null_exactly_where_quantity_is_no_unit(con):
    named = con.execute(
        "SELECT DISTINCT department FROM products WHERE landed_cost IS NULL AND category NOT LIKE '%COUPON%'"
    ).fetchall()
    assert sorted(d for (d,) in named) == ["FUEL", "MISCELLANEOUS"] or sorted(d for (d,) in named) == [
        "COUPON", "FUEL", "MISCELLANEOUS",
    ]  # fmt: skip
    assert one(con, "SELECT min(landed_cost) > 0 FROM products") == (True,)


def test_derived_rows_say_so_and_recorded_do_not(con, demo):
    recorded = {"customers", "campaigns", "coupon_redemptions", "sales_lines", "promotions"}
    for table in demo.report.tables:
        assert one(con, f"SELECT bool_and(is_simulated), bool_or(is_simulated) FROM {table}") == (
            (False, False) if table in recorded else (True, True)
        ), table


def test_regions_are_balanced_and_served_by_their_dc(con):
    rows = con.execute(
        "SELECT region, count(*) FROM locations WHERE location_type = 'store' "
        "AND effective_date IS NULL GROUP BY 1"
    ).fetchall()
    assert sorted(r for r, _ in rows) == ["East", "North", "South", "West"]
    assert max(n for _, n in rows) - min(n for _, n in rows) <= 1
    moved = """SELECT f.location_type, count(*), count(*) FILTER (CASE f.location_type
                   WHEN 'dc' THEN o.serving_dc_id <> f.location_id
                   ELSE o.region <> f.region OR o.location_type <> 'store' END)
               FROM transfers t
               JOIN locations f ON f.location_id = t.from_location_id AND f.effective_date IS NULL
               JOIN locations o ON o.location_id = t.to_location_id AND o.effective_date IS NULL
               GROUP BY 1 ORDER BY 1"""
    (dc, from_dcs, astray), (store, from_stores, abroad) = con.execute(moved).fetchall()
    assert (dc, store, astray, abroad) == ("dc", "store", 0, 0)
    assert from_dcs > 30_000 and from_stores > 100


def test_planted_anomalies_show_and_are_kept_aside(con, demo):
    truth = json.loads((demo.root / "truth" / "anomalies.json").read_text())
    shrink = truth["shrink"]
    rate = """SELECT sum(-quantity_units) FILTER (movement_date >= '{0}' AND movement_date < '{1}') /
                     sum(-quantity_units) * 365.0 / ('{1}'::DATE - '{0}'::DATE)
              FROM inventory_movements JOIN products USING (product_id)
              WHERE movement_type = 'shrink' AND location_id = '{2}' AND department = '{3}'"""
    lift = one(con, rate.format(shrink["from"], shrink["to"], shrink["location_id"], shrink["department"]))[0]
    assert lift > 4
    assert not list(demo.landing.glob("**/*anomal*"))
