"""Snapshots and movements from the simulated arrays."""

from __future__ import annotations

COST = "cost_on(s.t, i.change_day, i.landed0, i.landed1)"

SNAPSHOTS = f"""
    SELECT day_of(s.t) AS snapshot_date, i.location_id, i.product_id, s.on_hand AS on_hand_units,
           s.reserved AS reserved_units, s.in_transit AS in_transit_units, s.on_order AS on_order_units,
           s.ranged AS is_ranged, {COST} AS unit_cost,
           CASE WHEN NOT i.is_dc THEN s.sales + s.unmet END AS demand_units,
           CASE WHEN NOT i.is_dc THEN s.sales END AS sales_units, s.aged AS aged_units, true AS is_simulated
    FROM _stock s JOIN demo_items i USING (pair)"""

MOVEMENTS = f"""
    WITH moves AS (
        SELECT pair, t, kind, units, NULL AS document_id FROM _flows
        UNION ALL
        SELECT pair, arrival_day, 'receipt', received, receipt_id FROM demo_receipts
        UNION ALL
        SELECT pair, received_day, 'transfer_in', units, transfer_id FROM demo_transfers
        WHERE received_day < 365
        UNION ALL
        SELECT source_pair, shipped_day, 'transfer_out', -units, transfer_id FROM demo_transfers
        WHERE shipped_day < 365)
    SELECT 'M' || row_number() OVER (ORDER BY s.t, pair, kind, document_id, units) AS movement_id,
           day_of(s.t) AS movement_date, i.location_id, i.product_id, s.kind AS movement_type,
           CAST(s.units AS INTEGER) AS quantity_units, {COST} AS unit_cost, s.document_id,
           true AS is_simulated
    FROM moves s JOIN demo_items i USING (pair) ORDER BY s.t, pair, kind, document_id, units"""
