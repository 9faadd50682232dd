{{ latest_rows(
    'locations',
    key=['location_id', 'effective_date'],
    columns=[
        'landed.location_id',
        'landed.effective_date',
        'landed.location_name',
        'landed.location_type',
        'landed.region',
        'landed.banner',
        'landed.serving_dc_id',
        'landed.opened_on',
        'landed.closed_on',
        'landed.is_simulated',
    ]
) }}
