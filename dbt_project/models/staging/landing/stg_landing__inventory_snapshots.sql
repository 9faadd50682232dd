{{ latest_rows(
    'inventory_snapshots',
    key=['snapshot_date', 'location_id', 'product_id'],
    columns=[
        'landed.snapshot_date',
        'landed.location_id',
        'landed.product_id',
        'landed.on_hand_units',
        'landed.reserved_units',
        'landed.in_transit_units',
        'landed.on_order_units',
        'landed.is_ranged',
        'landed.unit_cost',
        'landed.demand_units',
        'landed.sales_units',
        'landed.aged_units',
        'landed.is_simulated',
    ]
) }}
