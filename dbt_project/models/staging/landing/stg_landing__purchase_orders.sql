{{ latest_rows(
    'purchase_orders',
    key=['purchase_order_id'],
    columns=[
        'landed.purchase_order_id',
        'landed.supplier_id',
        'landed.location_id',
        'landed.ordered_on',
        'landed.promised_on',
        'landed.currency',
        'landed.is_simulated',
    ]
) }}
