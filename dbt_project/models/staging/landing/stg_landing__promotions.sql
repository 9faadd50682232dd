{{ latest_rows(
    'promotions',
    key=['product_id', 'location_id', 'week'],
    columns=[
        'landed.product_id',
        'landed.location_id',
        'landed.week',
        'landed.display_location',
        'landed.mailer_location',
        'landed.is_simulated',
    ]
) }}
