{{ latest_rows(
    'returns',
    key=['return_id'],
    columns=[
        'landed.return_id',
        'landed.returned_at',
        trading_date('landed.returned_at', 'landed.location_id') ~ ' as date_day',
        'landed.location_id',
        'landed.product_id',
        'landed.customer_id',
        'landed.quantity',
        'landed.refund',
        'landed.reason',
        'landed.is_simulated',
    ]
) }}
