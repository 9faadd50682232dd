{{ latest_rows(
    'drift_results',
    key=['release_id', 'model_name', 'week', 'feature', 'segment_type', 'segment', 'kind'],
    columns=[
        'landed.release_id',
        'landed.model_name',
        'landed.model_version',
        'landed.week',
        'landed.week_ending',
        'landed.feature',
        'landed.segment_type',
        'landed.segment',
        'landed.kind',
        'landed.aspect',
        'landed.method',
        'landed.score',
        'landed.threshold',
        'landed.is_drifted',
        'landed.alert_state',
        'landed.finding',
        'landed.is_simulated',
    ]
) }}
