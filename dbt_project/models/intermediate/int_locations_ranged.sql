{{ validity_ranges(
    ref('stg_landing__locations'),
    'location_id',
    [
        'location_name', 'location_type', 'region', 'banner', 'serving_dc_id', 'opened_on', 'closed_on', 'is_simulated',
    ]
) }}
