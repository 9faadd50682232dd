{{ latest_rows(
    'receipts',
    key=['receipt_id'],
    columns=[
        'landed.receipt_id',
        'landed.purchase_order_id',
        'landed.line_number',
        'landed.product_id',
        'landed.location_id',
        'landed.received_on',
        'landed.received_units',
        'landed.unit_cost',
        'landed.is_simulated',
    ]
) }}
