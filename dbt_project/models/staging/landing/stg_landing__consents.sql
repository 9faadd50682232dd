{{ latest_rows(
    'consents',
    key=['customer_id', 'purpose', 'valid_from'],
    columns=[
        'landed.customer_id',
        'landed.purpose',
        'landed.is_granted',
        'landed.valid_from',
        'landed.valid_to',
        'landed.is_simulated',
    ]
) }}
