-- Age counts from the promotion to the moment the platform last recorded its models: a query has no clock.
select
    {{ model_version_key('model_name', 'model_version') }} as model_version_id,
    model_name,
    model_version,
    release_id,
    git_commit,
    artifact_digest,
    trained_by,
    trained_at,
    trained_through_week,
    is_champion,
    promoted_at,
    review_decision,
    reviewed_by,
    backtest_wape,
    cast(recorded_at as date) as recorded_on,
    case when is_champion then {{ elapsed_days('promoted_at', 'recorded_at') }} end as age_days,
    is_simulated
from {{ ref('stg_platform__model_versions') }}
