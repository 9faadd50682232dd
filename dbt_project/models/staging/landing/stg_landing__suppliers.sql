{{ latest_rows(
    'suppliers',
    key=['supplier_id', 'effective_date'],
    columns=[
        'landed.supplier_id',
        'landed.effective_date',
        'landed.supplier_name',
        'landed.payment_terms_days',
        'landed.lead_time_mean_days',
        'landed.lead_time_sd_days',
        'landed.minimum_order_units',
        'landed.review_period_days',
        'landed.is_simulated',
    ]
) }}
