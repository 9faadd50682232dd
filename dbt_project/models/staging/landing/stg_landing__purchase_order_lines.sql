{{ latest_rows(
    'purchase_order_lines',
    key=['purchase_order_id', 'line_number'],
    columns=[
        'landed.purchase_order_id',
        'landed.line_number',
        'landed.product_id',
        'landed.ordered_units',
        'landed.unit_cost',
        'landed.freight',
        'landed.duty',
        'landed.status',
        'landed.is_simulated',
    ]
) }}
