-- Of several scores for one week the newest release's counts: money at risk must not be told twice.
with scores as (
    select
        *,
        max(release_id) over (partition by location_id, category, as_of_week) as newest_release_id
    from {{ ref('stg_platform__margin_risk_scores') }}
)

select
    scores.location_id,
    scores.category,
    {{ category_key('scores.category') }} as product_id,
    scores.as_of_week,
    weeks.last_day as as_of_day,
    scores.horizon_weeks,
    scores.probability,
    scores.expected_shortfall,
    scores.money_at_risk,
    scores.reasons,
    scores.model_name,
    scores.model_version,
    {{ model_version_key('scores.model_name', 'scores.model_version') }} as model_version_id,
    scores.is_fallback,
    scores.release_id,
    scores.is_simulated
from scores
inner join {{ ref('feat_calendar_week') }} as weeks on weeks.week = scores.as_of_week
where scores.release_id = scores.newest_release_id
