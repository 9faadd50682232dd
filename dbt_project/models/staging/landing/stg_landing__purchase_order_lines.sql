{{ latest_rows(
    'purchase_order_lines',
    key=['purchase_order_id', 'line_number'],
    columns=[
        'landed.purchase_order_id',
        'landed.line_number',
        'landed.product_id',
        'landed.ordered_units',
        'landed.unit_cost',
        'coalesce(landed.freight, 0) as freight',
        'coalesce(landed.duty, 0) as duty',
        'landed.status',
        'landed.is_simulated',
    ]
) }}
