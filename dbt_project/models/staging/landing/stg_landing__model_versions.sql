{{ latest_rows(
    'model_versions',
    key=['model_name', 'model_version'],
    columns=[
        'landed.model_name',
        'landed.model_version',
        'landed.release_id',
        'landed.git_commit',
        'landed.artifact_digest',
        'landed.trained_by',
        'landed.trained_at',
        'landed.trained_through_week',
        'landed.is_champion',
        'landed.promoted_at',
        'landed.review_decision',
        'landed.reviewed_by',
        'landed.backtest_wape',
        'landed.recorded_at',
        'landed.is_simulated',
    ]
) }}
