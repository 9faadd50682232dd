{{ latest_rows(
    'inventory_lots',
    key=['lot_id', 'location_id', 'product_id', 'counted_on'],
    columns=[
        'landed.lot_id',
        'landed.location_id',
        'landed.product_id',
        'landed.counted_on',
        'landed.received_on',
        'landed.expires_on',
        'landed.on_hand_units',
        'landed.is_simulated',
    ]
) }}
