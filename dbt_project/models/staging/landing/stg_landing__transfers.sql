{{ latest_rows(
    'transfers',
    key=['transfer_id'],
    columns=[
        'landed.transfer_id',
        'landed.from_location_id',
        'landed.to_location_id',
        'landed.product_id',
        'landed.shipped_on',
        'landed.received_on',
        'landed.quantity_units',
        'landed.transfer_cost',
        'landed.is_simulated',
    ]
) }}
