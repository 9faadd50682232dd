{{ latest_rows(
    'inventory_snapshots',
    key=['snapshot_date', 'location_id', 'product_id'],
    columns=[
        'landed.snapshot_date',
        'landed.location_id',
        'landed.product_id',
        'landed.on_hand_units',
        'coalesce(landed.reserved_units, 0) as reserved_units',
        'coalesce(landed.in_transit_units, 0) as in_transit_units',
        'coalesce(landed.on_order_units, 0) as on_order_units',
        'coalesce(landed.is_ranged, true) as is_ranged',
        'landed.unit_cost',
        'landed.demand_units',
        'landed.sales_units',
        'landed.aged_units',
        'landed.is_simulated',
    ]
) }}
