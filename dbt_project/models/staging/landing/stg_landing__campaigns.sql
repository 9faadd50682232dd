{{ latest_rows(
    'campaigns',
    key=['campaign_id', 'customer_id'],
    columns=[
        'landed.campaign_id',
        'landed.campaign_type',
        'landed.customer_id',
        'landed.starts_on',
        'landed.ends_on',
        'landed.is_simulated',
    ]
) }}
