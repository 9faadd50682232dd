{{ validity_ranges(
    ref('stg_landing__suppliers'),
    'supplier_id',
    [
        'supplier_name', 'payment_terms_days', 'lead_time_mean_days', 'lead_time_sd_days', 'minimum_order_units',
        'review_period_days', 'is_simulated',
    ]
) }}
