{{ latest_rows(
    'inventory_movements',
    key=['movement_id'],
    columns=[
        'landed.movement_id',
        'landed.movement_date',
        'landed.location_id',
        'landed.product_id',
        'landed.movement_type',
        'landed.quantity_units',
        'landed.unit_cost',
        'landed.document_id',
        'landed.is_simulated',
    ]
) }}
