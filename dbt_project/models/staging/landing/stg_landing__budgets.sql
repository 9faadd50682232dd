{{ latest_rows(
    'budgets',
    key=['month', 'department', 'region'],
    columns=[
        'landed.month',
        'landed.department',
        'landed.region',
        'landed.open_to_buy_budget',
        'landed.is_simulated',
    ]
) }}
