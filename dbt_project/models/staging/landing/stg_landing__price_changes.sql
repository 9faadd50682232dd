{{ latest_rows(
    'price_changes',
    key=['product_id', 'location_id', 'effective_date'],
    columns=[
        'landed.product_id',
        'landed.location_id',
        'landed.effective_date',
        'landed.list_price_usd',
        'landed.landed_cost_usd',
        'landed.is_simulated',
    ]
) }}
