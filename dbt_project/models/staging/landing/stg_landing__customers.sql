{{ latest_rows(
    'customers',
    key=['customer_id'],
    columns=[
        'landed.customer_id',
        'landed.age_band',
        'landed.income_band',
        'landed.household_size',
        'landed.home_ownership',
        'landed.marital_status',
        'landed.household_composition',
        'landed.kids_count',
        'landed.is_simulated',
    ]
) }}
