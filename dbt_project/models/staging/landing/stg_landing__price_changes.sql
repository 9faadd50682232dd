{{ latest_rows(
    'price_changes',
    key=['product_id', 'location_id', 'effective_date'],
    columns=[
        'landed.product_id',
        'landed.location_id',
        'landed.effective_date',
        'landed.list_price',
        'landed.landed_cost',
        'landed.is_simulated',
    ]
) }}
