{{ latest_rows(
    'decisions',
    key=['decision_id'],
    columns=[
        'landed.decision_id',
        'landed.recommendation_id',
        'landed.decision',
        'landed.decided_by',
        'landed.on_behalf_of',
        'landed.role',
        'landed.quantity_units',
        'landed.reason_code',
        'landed.decided_at',
        'landed.is_history',
        'landed.is_simulated',
    ],
    source_name='platform',
) }}
