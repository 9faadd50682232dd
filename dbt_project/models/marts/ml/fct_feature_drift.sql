-- A week that several releases watched counts once, as the newest saw it.
with results as (
    select
        *,
        max(release_id) over (partition by model_name, week) as newest_release_id
    from {{ ref('stg_platform__drift_results') }}
)

select
    model_name,
    model_version,
    {{ model_version_key('model_name', 'model_version') }} as model_version_id,
    week,
    week_ending,
    feature,
    segment_type,
    segment,
    kind,
    aspect,
    method,
    score,
    threshold,
    is_drifted,
    alert_state,
    finding,
    release_id,
    is_simulated
from results
where release_id = newest_release_id
