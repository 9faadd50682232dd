{{ latest_rows(
    'locations',
    key=['location_id'],
    columns=[
        'landed.location_id',
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
