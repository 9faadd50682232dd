{{ latest_rows(
    'margin_risk_scores',
    key=['release_id', 'location_id', 'category'],
    columns=[
        'landed.release_id',
        'landed.location_id',
        'landed.category',
        'landed.as_of_week',
        'landed.horizon_weeks',
        'landed.probability',
        'landed.expected_shortfall_usd',
        'landed.money_at_risk_usd',
        'landed.reasons',
        'landed.model_name',
        'landed.model_version',
        'landed.is_fallback',
        'landed.is_simulated',
    ]
) }}
